/** One GPU as Java sees it; the only package that knows JCuda. */
package dev.millrace.gpu.device;

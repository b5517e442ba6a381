/** What the GPUs that share a model have in common: memory that all of them reach, and the word that stops their waiting. */
package dev.millrace.gpu.parallel;

/** {@code millrace bench recovery}: what clients of the API notice when the job is killed in the midst of their answers. */
package dev.millrace.bench.recovery;

/**
 * {@code millrace bench serve}: a client that loads any server with OpenAI's API and measures it, with the flags, metrics and
 * names of {@code vllm bench serve} (vLLM, {@code vllm/benchmarks/serve.py}).
 */
package dev.millrace.bench.serve;

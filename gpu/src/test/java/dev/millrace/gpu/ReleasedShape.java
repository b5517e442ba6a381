package dev.millrace.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.StepDriver.Sequence;
import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small model whose heads are those of the released ones, for which there are kernels of their own. */
final class ReleasedShape {

    private ReleasedShape() {}

    /** Writes its configuration to a folder. */
    static Path write(Path folder, int keyValueHeads) throws IOException {
        Files.writeString(
                folder.resolve("config.json"),
                """
                {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "bfloat16",
                 "vocab_size": 512, "hidden_size": 320, "intermediate_size": 600, "num_hidden_layers": 2,
                 "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": 128, "max_position_embeddings": 1024,
                 "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": false, "hidden_act": "silu",
                 "bos_token_id": 1, "eos_token_id": 2}
                """
                        .formatted(7 * keyValueHeads, keyValueHeads));
        return folder;
    }

    /** Holds bf16 to single precision, which has generic kernels, and graphs to single launches, bit for bit. */
    static void checkKernels(Path model, int ranks) {
        float[][] exact = logits(model, "float32", true, ranks);
        float[][] fast = logits(model, "bfloat16", true, ranks);
        for (int step = 0; step < exact.length; step++) {
            double error = 0;
            double size = 0;
            for (int i = 0; i < exact[step].length; i++) {
                error += Math.pow(fast[step][i] - exact[step][i], 2);
                size += Math.pow(exact[step][i], 2);
            }
            assertThat(Math.sqrt(error / size))
                    .as("relative error of step " + step)
                    .isLessThan(0.03);
        }
        assertThat(logits(model, "bfloat16", false, ranks)).isDeepEqualTo(fast);
    }

    /** Prompts, one longer than a split of attention, then decode steps of a few sequences and of more than sixteen. */
    private static float[][] logits(Path model, String dtype, boolean eager, int ranks) {
        ExecutorConfig config =
                Models.config(dtype).withLoadFormat("dummy").withGpu(new ExecutorConfig.Gpu(0.9, eager, ranks, ""));
        try (ModelExecutor executor = Models.gpu(model, config, new Limits(400, 20, 512))) {
            StepDriver driver = new StepDriver(executor);
            Sequence[] all = new Sequence[18];
            for (int i = 0; i < all.length; i++) {
                all[i] = driver.sequence(Models.ids(i == 0 ? 270 : 1 + i % 5, i));
            }
            float[][] logits = new float[4][];
            logits[0] = driver.run(all).logits();
            for (Sequence sequence : all) {
                sequence.append(3);
            }
            logits[1] = driver.run(all).logits();
            logits[2] = driver.run(all[0].append(4), all[5].append(5), all[7].append(6))
                    .logits();
            logits[3] = driver.run(all[0].append(7)).logits();
            return logits;
        }
    }
}

package dev.millrace.cpu;

import dev.millrace.cpu.Driver.Sequence;
import dev.millrace.cpu.kernel.Kernels;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.sampling.SamplingParams;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** A hash over every bit of the logits, and every token, of a fixed run: pictures, a video, decoding, seeded draws. */
final class LogitsHash {

    private LogitsHash() {}

    /** Arguments: whether scalar kernels are allowed, model variant, tokens to decode, names of the cases. */
    public static void main(String[] args) {
        List<String> cases = List.of(args).subList(3, args.length);
        System.out.println(
                of(args[1], Kernels.choose(Boolean.parseBoolean(args[0])), Integer.parseInt(args[2]), cases));
    }

    static String of(String variant, Kernels kernels, int decoded, List<String> cases) {
        MessageDigest digest = sha256();
        try (Golden golden = new Golden(variant);
                ModelExecutor executor = Executors.open(golden.model, kernels, 2)) {
            Driver driver = new Driver(executor, 4, 1);
            for (String name : cases) {
                SamplingParams params = SamplingParams.builder()
                        .temperature(1)
                        .topP(0.95f)
                        .minP(0.01f)
                        .repetitionPenalty(1.05f)
                        .seed(42)
                        .build();
                Sequence sequence = driver.sequence(golden.named(name).prompt(), params);
                for (int i = 0; i < decoded; i++) {
                    update(digest, driver.runInChunks(sequence, 16));
                    sequence.append(ForwardBatch.LAST_SAMPLED);
                }
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void update(MessageDigest digest, StepOutput output) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * (output.logits().length + output.tokens().length));
        for (float logit : output.logits()) {
            bytes.putFloat(logit);
        }
        for (int token : output.tokens()) {
            bytes.putInt(token);
        }
        digest.update(bytes.array());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}

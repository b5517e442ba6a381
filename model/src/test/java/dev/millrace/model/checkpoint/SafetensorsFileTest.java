package dev.millrace.model.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsFileTest {

    private static final Path GOLDEN = Path.of(System.getProperty("millrace.root"), "golden");

    @TempDir
    Path folder;

    @Test
    void readsReferenceVectors() {
        try (var file = SafetensorsFile.open(GOLDEN.resolve("sampling-a.safetensors"))) {
            float[] probabilities = file.tensor("0.probs").toFloats();
            int[] output = file.tensor("0.output").toInts();

            double sum = 0;
            for (float p : probabilities) {
                sum += p;
            }
            assertThat(probabilities).hasSize(300);
            assertThat(sum).isBetween(1 - 1e-5, 1 + 1e-5);
            assertThat(output).hasSize(7).doesNotContain(-1);
        }
    }

    @Test
    void readsEveryTypeOfValue() throws IOException {
        Path file = write(
                """
                {"__metadata__": {"format": "pt"},
                 "bf16": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
                 "f16": {"dtype": "F16", "shape": [5], "data_offsets": [4, 14]},
                 "f32": {"dtype": "F32", "shape": [], "data_offsets": [14, 18]},
                 "i32": {"dtype": "I32", "shape": [1, 1], "data_offsets": [18, 22]},
                 "i64": {"dtype": "I64", "shape": [1], "data_offsets": [22, 30]},
                 "none": {"dtype": "I64", "shape": [0, 3], "data_offsets": [30, 30]}}""",
                HexFormat.of()
                        .parseHex("803f00c0" + "003c00c00100ff7b007c" + "0000c03f" + "feffffff" + "0700000000000000"));

        try (var tensors = SafetensorsFile.open(file)) {
            assertThat(tensors.names()).containsExactly("bf16", "f16", "f32", "i32", "i64", "none");
            assertThat(tensors.tensor("bf16").toFloats()).containsExactly(1, -2);
            assertThat(tensors.tensor("f16").toFloats())
                    .containsExactly(1, -2, 0x1p-24f, 65504, Float.POSITIVE_INFINITY);
            assertThat(tensors.tensor("f32").toFloats()).containsExactly(1.5f);
            assertThat(tensors.tensor("i32").toInts()).containsExactly(-2);
            assertThat(tensors.tensor("i64").toInts()).containsExactly(7);
            assertThat(tensors.tensor("none").toInts()).isEmpty();
            assertThatThrownBy(() -> tensors.tensor("i64").toFloats()).isInstanceOf(CheckpointException.class);
            assertThatThrownBy(() -> tensors.tensor("bf16").toInts()).isInstanceOf(CheckpointException.class);
            assertThatThrownBy(() -> tensors.tensor("other"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("other");
        }
    }

    @Test
    void aTensorOutlivesItsFile() throws IOException {
        Tensor tensor;
        try (var file = SafetensorsFile.open(
                write("{\"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", new byte[4]))) {
            tensor = file.tensor("x");
        }
        assertThat(tensor.toFloats()).containsExactly(0);
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("brokenHeaders")
    void aBrokenHeaderIsRefused(String header, String message) throws IOException {
        Path file = write(header, new byte[8]);

        assertThatThrownBy(() -> SafetensorsFile.open(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message);
    }

    static Stream<Arguments> brokenHeaders() {
        return Stream.of(
                Arguments.of("this is no JSON", "not valid JSON"),
                Arguments.of("[1, 2]", "a JSON object is expected"),
                Arguments.of("{\"x\": 3}", "'x' is 3; expected is an object"),
                Arguments.of("{\"x\": {\"shape\": [2], \"data_offsets\": [0, 8]}}", "'dtype' is missing"),
                Arguments.of(one("F8_E4M3", "[8]", "[0, 8]"), "dtype is 'F8_E4M3'"),
                Arguments.of(one("F32", "[3]", "[0, 8]"), "takes 12"),
                Arguments.of(one("F32", "2", "[0, 8]"), "shape is 2"),
                Arguments.of(one("F32", "[-2]", "[0, 8]"), "shape is [-2]"),
                Arguments.of(one("F32", "[2.0]", "[0, 8]"), "shape is [2.0]"),
                Arguments.of(one("F32", "[4611686018427387904, 4]", "[0, 0]"), "beyond 2^63 bytes"),
                Arguments.of(one("F32", "[99999999999999999999]", "[0, 8]"), "shape is [99999999999999999999]"),
                Arguments.of(one("F32", "[2]", "[8, 0]"), "data_offsets are [8, 0]"),
                Arguments.of(one("F32", "[2]", "[8]"), "data_offsets are [8]"),
                Arguments.of(one("F32", "[2]", "[-8, 0]"), "data_offsets is [-8,0]"),
                Arguments.of(one("F32", "[2]", "[8, 16]"), "begins at byte 8"),
                Arguments.of(one("F32", "[4]", "[0, 16]"), "the file has 8 (is it cut off?)"),
                Arguments.of(one("F32", "[1]", "[0, 4]"), "describes 4 bytes of data; the file has 8"),
                Arguments.of(
                        "{\"x\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]},"
                                + " \"y\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}}",
                        "tensor y begins at byte 4"),
                Arguments.of(
                        "{\"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]},"
                                + " \"x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}}",
                        "Duplicate field 'x'"));
    }

    @Test
    void aHeaderLengthBombIsRefusedBeforeAnythingIsAllocated() throws IOException {
        for (long claimed : new long[] {Long.MAX_VALUE, -1, 1L << 40, 1L << 25, 9, 1, 0}) {
            Path file = folder.resolve("bomb.safetensors");
            Files.write(file, bytes(claimed, new byte[8]));

            assertThatThrownBy(() -> SafetensorsFile.open(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("claims " + Long.toUnsignedString(claimed) + " bytes");
        }
    }

    @Test
    void aFileCutOffWithinItsFirstBytesIsRefused() throws IOException {
        for (int length = 0; length < 8; length++) {
            Path file = Files.write(folder.resolve("short.safetensors"), new byte[length]);

            assertThatThrownBy(() -> SafetensorsFile.open(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("ends within the header, after " + length + " bytes");
        }
    }

    @Test
    void aRealFileCutOffAnywhereIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(GOLDEN.resolve("model-a/model-00002-of-00002.safetensors"));
        for (int length = 0; length < whole.length; length += 4099) {
            Path file = Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(whole, length));

            assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(CheckpointException.class);
        }
    }

    @Test
    void aTensorBeyondTwoGibibytesIsReadInWindowsOfWholeRows() throws IOException {
        long rows = 300_000;
        int rowBytes = 4 * 2048;
        int window = (1 << 30) / rowBytes;
        Path file = sparse("[300000, 2048]", rows * rowBytes);
        for (long row : new long[] {0, window - 1, window, rows - 1}) {
            put(file, row * rowBytes, row + 1);
        }
        try (var tensors = SafetensorsFile.open(file)) {
            Tensor tensor = tensors.tensor("x");

            for (long row : new long[] {0, window - 1, window, rows - 1}) {
                assertThat(tensor.bytes(row * rowBytes).getFloat()).isEqualTo(row + 1);
            }
            assertThat(tensor.bytes((window - 1L) * rowBytes).remaining()).isEqualTo(rowBytes);
            assertThat(tensor.windows()).extracting(ByteBuffer::remaining).allMatch(bytes -> bytes % rowBytes == 0);
            assertThatThrownBy(tensor::data)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("tensor x of shape [300000, 2048] has 2457600000 bytes");
        }
    }

    @Test
    void aRowThatIsLargerThanAWindowIsRefused() throws IOException {
        Path file = sparse("[2, 268435457]", 2 * 4 * 268435457L);
        try (var tensors = SafetensorsFile.open(file)) {
            assertThatThrownBy(() -> tensors.tensor("x"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("tensor x has rows of 1073741828 bytes");
        }
    }

    /** A file of zeros that takes no room on the disk. */
    private Path sparse(String shape, long length) throws IOException {
        Path file = write(one("F32", shape, "[0, " + length + "]"), new byte[0]);
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), channel.size() + length - 1);
        }
        return file;
    }

    private static void put(Path file, long at, float value) throws IOException {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer header = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            channel.read(header, 0);
            ByteBuffer bytes =
                    ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, value);
            channel.write(bytes, 8 + header.getLong(0) + at);
        }
    }

    private static String one(String dtype, String shape, String offsets) {
        return "{\"x\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": %s}}".formatted(dtype, shape, offsets);
    }

    private Path write(String header, byte[] data) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        byte[] body = Arrays.copyOf(json, json.length + data.length);
        System.arraycopy(data, 0, body, json.length, data.length);
        return Files.write(folder.resolve("x.safetensors"), bytes(json.length, body));
    }

    private static byte[] bytes(long headerLength, byte[] rest) {
        return ByteBuffer.allocate(8 + rest.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerLength)
                .put(rest)
                .array();
    }
}

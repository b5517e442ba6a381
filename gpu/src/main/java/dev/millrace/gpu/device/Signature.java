package dev.millrace.gpu.device;

/**
 * How many parameters a kernel has and which of them are wide, 8 bytes instead of 4.
 *
 * @param count {@link Launcher#UNKNOWN} where the driver cannot tell
 * @param wide a bit a parameter, the first lowest
 */
record Signature(int count, long wide) {

    /** @param function the handle's address */
    static Signature of(long function) {
        long wide = 0;
        for (int i = 0; ; i++) {
            int bytes = Launcher.parameterBytes(function, i);
            switch (bytes) {
                case Launcher.UNKNOWN:
                    return new Signature(Launcher.UNKNOWN, 0);
                case 0:
                    return new Signature(i, wide);
                case Integer.BYTES:
                    break;
                case Long.BYTES:
                    wide |= 1L << i;
                    break;
                default:
                    throw new IllegalArgumentException(
                            "a kernel's parameter %d has %d bytes; 4 and 8 can be passed".formatted(i, bytes));
            }
        }
    }

    boolean isKnown() {
        return count != Launcher.UNKNOWN;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("parameters of");
        for (int i = 0; i < count; i++) {
            text.append((wide >> i & 1) == 1 ? " 8" : " 4");
        }
        return text.append(" bytes").toString();
    }
}

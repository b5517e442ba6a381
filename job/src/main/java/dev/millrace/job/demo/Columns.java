package dev.millrace.job.demo;

/** Text in columns of a terminal, where Chinese characters are two cells wide. */
final class Columns {

    private Columns() {}

    /** The text in exactly {@code width} cells: filled with blanks, or cut. */
    static String fit(String text, int width) {
        var fitted = new StringBuilder();
        int cells = 0;
        for (int c : text.codePoints().toArray()) {
            if (cells + cells(c) > width) {
                break;
            }
            fitted.appendCodePoint(c);
            cells += cells(c);
        }
        return fitted.append(" ".repeat(width - cells)).toString();
    }

    private static int cells(int c) {
        return Character.isIdeographic(c)
                        || Character.UnicodeBlock.of(c) == Character.UnicodeBlock.CJK_SYMBOLS_AND_PUNCTUATION
                        || Character.UnicodeBlock.of(c) == Character.UnicodeBlock.HALFWIDTH_AND_FULLWIDTH_FORMS
                ? 2
                : 1;
    }
}

package dev.millrace.job.demo;

import java.io.PrintWriter;
import java.util.Collection;
import java.util.Locale;

/** The table at the end of the demonstration: a row a prompt. */
final class DemoTable {

    private static final String ROW = "%-14s %s %7s %12s %10s  %s%n";
    private static final int QUESTION = 44;

    private DemoTable() {}

    static void print(PrintWriter out, Collection<AnswerProgress> answers) {
        out.printf(ROW, "prompt", Columns.fit("", QUESTION), "tokens", "first token", "tokens/s", "ended by");
        for (AnswerProgress answer : answers) {
            out.printf(
                    ROW,
                    answer.prompt().id(),
                    Columns.fit(answer.prompt().question(), QUESTION),
                    answer.tokens(),
                    number("%.2f s", answer.secondsToFirstToken()),
                    number("%.0f", answer.tokensPerSecond()),
                    answer.outcome());
        }
        out.flush();
    }

    private static String number(String format, double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
    }
}

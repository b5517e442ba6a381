package dev.millrace.job.demo;

import java.io.PrintWriter;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;

/**
 * Prints answers that grow at the same time one below the other: the one that began first as its tokens arrive, the others
 * as far as they are when their turn comes.
 */
final class AnswerPrinter {

    private static final class Answer {
        private final String question;
        private final StringBuilder text = new StringBuilder();
        private int printed;
        private boolean headed;
        private boolean finished;

        private Answer(String question) {
            this.question = question;
        }
    }

    private final PrintWriter out;
    private final Map<String, Answer> expected = new HashMap<>();
    private final Queue<Answer> begun = new ArrayDeque<>();

    AnswerPrinter(PrintWriter out) {
        this.out = out;
    }

    /** An answer to this question is to be expected. */
    void expect(String id, String question) {
        expected.put(id, new Answer(question));
    }

    /** Some more text of an answer came. */
    void append(String id, String text) {
        Answer answer = expected.get(id);
        if (answer.text.length() == 0 && !text.isEmpty()) {
            begun.add(answer);
        }
        answer.text.append(text);
        print();
    }

    /** Nothing more will come. */
    void finish(String id) {
        Answer answer = expected.get(id);
        answer.finished = true;
        if (answer.text.length() == 0) {
            begun.add(answer);
        }
        print();
    }

    private void print() {
        while (!begun.isEmpty()) {
            Answer answer = begun.element();
            print(answer);
            if (!answer.finished) {
                break;
            }
            out.println();
            begun.remove();
        }
        out.flush();
    }

    private void print(Answer answer) {
        if (!answer.headed) {
            out.print("> " + answer.question + System.lineSeparator() + "  ");
            answer.headed = true;
        }
        out.print(answer.text.substring(answer.printed).replace("\n", "\n  "));
        answer.printed = answer.text.length();
    }
}

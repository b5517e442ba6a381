package dev.millrace.job.demo;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Prints answers that grow at the same time one below the other: the first that is not finished as its tokens arrive, the
 * others as far as they are when their turn comes.
 */
final class AnswerPrinter {

    private static final class Answer {
        private final String question;
        private final StringBuilder text = new StringBuilder();
        private int printed;
        private boolean begun;
        private boolean finished;

        private Answer(String question) {
            this.question = question;
        }
    }

    private final PrintWriter out;
    private final Map<String, Answer> open = new LinkedHashMap<>();

    AnswerPrinter(PrintWriter out) {
        this.out = out;
    }

    /** An answer to this question is to be expected. */
    void expect(String id, String question) {
        open.put(id, new Answer(question));
    }

    /** Some more text of an answer came. */
    void append(String id, String text) {
        open.get(id).text.append(text);
        print();
    }

    /** Nothing more will come. */
    void finish(String id) {
        open.get(id).finished = true;
        print();
    }

    private void print() {
        for (var answers = open.values().iterator(); answers.hasNext(); ) {
            Answer answer = answers.next();
            print(answer);
            if (!answer.finished) {
                break;
            }
            out.println();
            answers.remove();
        }
        out.flush();
    }

    private void print(Answer answer) {
        if (!answer.begun && !(answer.text.length() == 0 && !answer.finished)) {
            out.print("> " + answer.question + System.lineSeparator() + "  ");
            answer.begun = true;
        }
        out.print(answer.text.substring(answer.printed).replace("\n", "\n  "));
        answer.printed = answer.text.length();
    }
}

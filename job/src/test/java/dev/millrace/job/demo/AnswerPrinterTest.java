package dev.millrace.job.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class AnswerPrinterTest {

    private final StringWriter out = new StringWriter();
    private final AnswerPrinter printer = new AnswerPrinter(new PrintWriter(out));

    @Test
    void theAnswerThatBeganFirstIsPrintedAsItComesAndTheOthersWhenTheirTurnComes() {
        printer.expect("a", "One?");
        printer.expect("b", "Two?");
        printer.append("b", "sec");
        printer.append("a", "fir");
        assertThat(out.toString()).isEqualTo(String.format("> Two?%n  sec"));
        printer.append("a", "st");
        printer.append("b", "ond");
        printer.finish("b");
        assertThat(out.toString()).isEqualTo(String.format("> Two?%n  second%n> One?%n  first"));
        printer.finish("a");
        assertThat(out.toString()).isEqualTo(String.format("> Two?%n  second%n> One?%n  first%n"));
    }

    @Test
    void anAnswerWithoutTextIsPrintedWhenItEnds() {
        printer.expect("a", "One?");
        printer.append("a", "");
        assertThat(out.toString()).isEmpty();
        printer.finish("a");
        assertThat(out.toString()).isEqualTo(String.format("> One?%n  %n"));
    }

    @Test
    void chineseTakesTwoCellsACharacter() {
        assertThat(Columns.fit("你是谁?", 10)).isEqualTo("你是谁?   ");
        assertThat(Columns.fit("图中有一个", 5)).isEqualTo("图中 ");
        assertThat(Columns.fit("plain", 3)).isEqualTo("pla");
    }
}

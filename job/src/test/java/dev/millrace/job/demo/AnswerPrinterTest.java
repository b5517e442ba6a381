package dev.millrace.job.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class AnswerPrinterTest {

    private final StringWriter out = new StringWriter();
    private final AnswerPrinter printer = new AnswerPrinter(new PrintWriter(out));

    @Test
    void theFirstAnswerIsPrintedAsItComesAndTheOthersWhenTheirTurnComes() {
        printer.expect("a", "One?");
        printer.expect("b", "Two?");
        printer.append("b", "second");
        assertThat(out.toString()).isEmpty();
        printer.append("a", "fir");
        assertThat(out.toString()).isEqualTo(String.format("> One?%n  fir"));
        printer.finish("b");
        printer.append("a", "st");
        printer.finish("a");
        assertThat(out.toString()).isEqualTo(String.format("> One?%n  first%n> Two?%n  second%n"));
    }

    @Test
    void chineseTakesTwoCellsACharacter() {
        assertThat(Columns.fit("你是谁?", 10)).isEqualTo("你是谁?   ");
        assertThat(Columns.fit("图中有一个", 5)).isEqualTo("图中 ");
        assertThat(Columns.fit("plain", 3)).isEqualTo("pla");
    }
}

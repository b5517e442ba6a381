package dev.millrace.bench.recovery;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.job.cli.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A job in a process of its own, which is killed. */
@Timeout(300)
class RecoveryCommandTest {

    private static final String MODEL = System.getProperty("millrace.root") + "/models/demo-vl";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void clientsOfAJobThatIsKilledHearWhatTheyWouldHaveHeard(@TempDir Path folder) throws Exception {
        Path json = folder.resolve("recovery.json");

        int exit =
                recovery("--num-streams=3", "--output-len=1200", "--kills=1", "--json=" + json, "--", "--device=cpu");

        assertThat(exit).as("%s%s", out, err).isZero();
        assertThat(out.toString())
                .contains("Lost: 0 tokens, repeated: 0;")
                .contains("Streams as in an undisturbed run: 3 of 3");
        JsonNode figures = new ObjectMapper().readTree(json.toFile());
        assertThat(figures.get("cut").intValue()).isPositive();
        assertThat(figures.get("diverged").intValue()).isZero();
        assertThat(figures.get("pauses")).isNotEmpty();
    }

    @Test
    void aJobThatCannotStartIsToldWithItsReason() {
        assertThat(recovery("--", "--device=cpu", "--max-num-seqs=0")).isEqualTo(1);
        assertThat(err.toString())
                .contains("millrace run ended with exit code 2")
                .contains("--max-num-seqs");
    }

    private int recovery(String... args) {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        String[] all = new String[args.length + 3];
        all[0] = "bench";
        all[1] = "recovery";
        all[2] = "--model=" + MODEL;
        System.arraycopy(args, 0, all, 3, args.length);
        return line.execute(all);
    }
}

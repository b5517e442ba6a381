package dev.millrace.job.submit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.apache.flink.client.program.ProgramParametrizationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlinkProgramTest {

    private static final String MODEL =
            Path.of(System.getProperty("millrace.root"), "models", "demo-vl").toString();

    @Test
    void aCommandThatIsNoJobIsRefused() {
        assertThatThrownBy(() -> FlinkProgram.main(new String[] {"demo", "--stay"}))
                .isInstanceOf(ProgramParametrizationException.class)
                .hasMessageContaining("'demo'");
    }

    @Test
    void aBadFlagIsSaidToTheCallerInsteadOfEndingItsProcess() {
        assertThatThrownBy(() -> FlinkProgram.main(
                        new String[] {"run", "--bootstrap-servers=a:1", "--model=m", "--parallelism=0"}))
                .isInstanceOf(ProgramParametrizationException.class)
                .hasMessageContaining("--parallelism")
                .hasMessageContaining("1 to 2147483647");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--jobmanager=b:2", "-Dkey=value"})
    void whereAndHowItRunsIsSaidToFlinkAlone(String flag) {
        assertThatThrownBy(() ->
                        FlinkProgram.main(new String[] {"run", "--bootstrap-servers=a:1", "--model=" + MODEL, flag}))
                .isInstanceOf(ProgramParametrizationException.class)
                .hasMessageContaining("flink run --jobmanager HOST:PORT -DKEY=VALUE JAR");
    }
}

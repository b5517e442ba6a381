package dev.millrace.job.submit;

import dev.millrace.job.cli.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.apache.flink.client.program.ProgramParametrizationException;

/**
 * The entry point, and the only class, of the thin jar: {@code flink run -d JAR run --bootstrap-servers …}.
 *
 * <p>Flink loads a job's jar anew for each job, so nothing may be in it that must be there once a process: the gate that
 * source and operator share, natives. All that is in the {@code lib/} of Flink. The program runs in the process of
 * Flink's client, which may be the JobManager itself, so it throws instead of exiting.
 */
public final class FlinkProgram {

    private FlinkProgram() {}

    /**
     * @param args {@code run} and its flags
     * @throws ProgramParametrizationException if the command line is at fault or the job cannot be submitted; says why
     * @throws IllegalStateException if Millrace's jars are not in the {@code lib/} of the Flink that runs this
     */
    public static void main(String[] args) {
        var complaint = new StringWriter();
        if (execute(args, new PrintWriter(complaint, true)) != 0) {
            throw new ProgramParametrizationException(complaint.toString().strip());
        }
    }

    private static int execute(String[] args, PrintWriter complaint) {
        try {
            return Main.flinkProgram().setErr(complaint).execute(args);
        } catch (NoClassDefFoundError e) {
            throw new IllegalStateException(
                    "a class is missing (%s): Millrace's jars must be in the lib/ of Flink, of its client as of its"
                                    .formatted(e.getMessage())
                            + " JobManager and TaskManagers; docker/Dockerfile shows which jars these are",
                    e);
        }
    }
}

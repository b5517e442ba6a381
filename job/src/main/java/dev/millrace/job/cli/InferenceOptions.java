package dev.millrace.job.cli;

import dev.millrace.job.JobConfig;
import dev.millrace.job.kafka.KafkaConfig;
import dev.millrace.operators.OperatorConfig;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;

/** The flags of every command that runs the job. */
final class InferenceOptions {

    @ArgGroup(validate = false, heading = "%nTopics:%n")
    TopicOptions topics = new TopicOptions();

    @ArgGroup(validate = false, heading = "%nJob:%n")
    JobOptions job = new JobOptions();

    @ArgGroup(validate = false, heading = "%nModel:%n")
    private ModelOptions model = new ModelOptions();

    @ArgGroup(validate = false, heading = "%nEngine:%n")
    private EngineOptions engine = new EngineOptions();

    @ArgGroup(validate = false, heading = "%nDevice:%n")
    DeviceOptions device = new DeviceOptions();

    @ArgGroup(validate = false, heading = "%nMedia:%n")
    private MediaOptions media = new MediaOptions();

    /**
     * What the flags mean for the operator.
     *
     * @param folder the model's
     * @param asGiven the model as the user named it, where that is to be a name of it, else null
     */
    OperatorConfig operatorConfig(Path folder, String asGiven) {
        engine.speculativeConfig.check(folder);
        return new OperatorConfig(
                folder.toAbsolutePath().normalize().toString(),
                model.servedNames(folder, asGiven),
                engine.limits(model.maxModelLen),
                engine.executorConfig(model, device),
                engine.scheduling(),
                model.samplingDefaults(),
                model.maxLogprobs,
                media.settings(),
                job.queueLimits(),
                model.chatTemplate,
                !job.disableLogStats);
    }

    /** What the dashboard calls a job, by which it is found again. */
    static String jobName(OperatorConfig operator) {
        return "millrace " + operator.servedModelNames().get(0);
    }

    /**
     * What they mean for the job.
     *
     * @param checkpoints URI of the folder for its checkpoints, or null for the cluster's own setting
     * @param restored checkpoint to go on from, or null
     */
    JobConfig jobConfig(OperatorConfig operator, KafkaConfig kafka, String checkpoints, String restored) {
        return new JobConfig(jobName(operator), kafka, job.parallelism, job.checkpointInterval, checkpoints, restored);
    }
}

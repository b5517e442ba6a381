package dev.millrace.gpu;

import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.operations.GpuTextOperations;
import dev.millrace.gpu.operations.GpuVisionOperations;
import dev.millrace.model.executor.Probe;
import dev.millrace.model.forward.Qwen25Vl;

/** Runs a forward pass, and while there is a probe waits for each layer and shows it what it left. For one thread. */
final class Probing {

    private final Qwen25Vl model;
    private final Type type;
    private Probe probe; // or null

    Probing(Qwen25Vl model, Type type) {
        this.model = model;
        this.type = type;
    }

    void show(Probe next) {
        probe = next;
    }

    /** Whether steps are looked into, which a graph does not allow. */
    boolean isOn() {
        return probe != null;
    }

    void forward(GpuTextOperations text) {
        Probe watching = probe;
        if (watching == null) {
            model.forward(text);
        } else {
            model.forward(text, layer -> watching.layer(layer, text.hidden(type)));
        }
    }

    void encode(GpuVisionOperations vision) {
        Probe watching = probe;
        if (watching == null) {
            model.encode(vision);
        } else {
            model.encode(vision, block -> vision.show(hidden -> watching.visionBlock(block, hidden)));
        }
    }
}

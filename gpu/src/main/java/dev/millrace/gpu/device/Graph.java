package dev.millrace.gpu.device;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.JCudaDriver;

/** Work captured from a stream, launched as a whole; the arguments are those of the capture. */
public final class Graph implements AutoCloseable {
    private final CUgraphExec executable = new CUgraphExec();
    private final Resources owner;

    /** Instantiates a captured graph and destroys the capture. */
    Graph(CUgraph captured, Resources owner) {
        this.owner = owner;
        try {
            Status.check(
                    JCudaDriver.cuGraphInstantiate(executable, captured, 0),
                    "cuGraphInstantiate",
                    "make a captured stream's work launchable");
        } finally {
            Status.check(JCudaDriver.cuGraphDestroy(captured), "cuGraphDestroy", "destroy a captured graph");
        }
        owner.add(
                this,
                "a graph",
                () -> Status.check(
                        JCudaDriver.cuGraphExecDestroy(executable), "cuGraphExecDestroy", "destroy a graph"));
    }

    CUgraphExec handle() {
        return executable;
    }

    @Override
    public void close() {
        owner.close(this);
    }
}

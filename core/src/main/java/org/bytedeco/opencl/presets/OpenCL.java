package org.bytedeco.opencl.presets;

/**
 * Stands in for a class of {@code org.bytedeco:opencl}. The presets of {@code org.bytedeco:dnnl}
 * 3.13-1.5.14 name it in an annotation, JavaCPP's loader resolves it, and the version of that artifact
 * that their POM asks for was never published. The CPU engine uses no OpenCL, so an empty class is enough.
 */
public final class OpenCL {
    private OpenCL() {}
}

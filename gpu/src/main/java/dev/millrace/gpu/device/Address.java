package dev.millrace.gpu.device;

import jcuda.NativePointerObject;
import jcuda.Pointer;

/** A raw address as JCuda's pointers hold it, and the way to get one out of them. */
final class Address extends Pointer {

    Address(long value) {
        super(value);
    }

    private Address(Pointer pointer) {
        super(pointer);
    }

    static long of(Pointer pointer) {
        return new Address(pointer).value();
    }

    static long of(NativePointerObject handle) {
        return new Handle(handle).value();
    }

    private long value() {
        return getNativePointer() + getByteOffset();
    }

    private static final class Handle extends NativePointerObject {

        private Handle(NativePointerObject handle) {
            super(handle);
        }

        private long value() {
            return getNativePointer();
        }
    }
}

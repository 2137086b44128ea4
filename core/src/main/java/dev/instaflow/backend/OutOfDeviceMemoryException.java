package dev.instaflow.backend;

/** A backend could not get memory for a tensor. What it held before stays valid. */
public class OutOfDeviceMemoryException extends BackendException {
    private static final long serialVersionUID = 1L;

    /**
     * A refused allocation.
     *
     * @param message the backend, the size, the tensor, what is held and what is free
     */
    public OutOfDeviceMemoryException(String message) {
        super(message);
    }
}

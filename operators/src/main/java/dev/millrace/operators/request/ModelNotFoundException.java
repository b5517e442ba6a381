package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;

/** A request names a model that is not served. */
public final class ModelNotFoundException extends InvalidInputException {

    ModelNotFoundException(String model, String served) {
        super("The model `" + model + "` does not exist. Ask for `" + served + "`, or leave model out.", "model");
    }
}

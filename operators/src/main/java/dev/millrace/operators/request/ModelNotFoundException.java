package dev.millrace.operators.request;

import dev.millrace.model.InvalidInputException;
import java.util.List;

/** A request names a model that is not served. */
public final class ModelNotFoundException extends InvalidInputException {

    ModelNotFoundException(String model, List<String> served) {
        super(
                "The model `%s` does not exist. Ask for `%s`, or leave model out."
                        .formatted(model, String.join("` or `", served)),
                "model");
    }
}

package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * The list of models, as {@code /v1/models} tells it: one card for each name of the model that is served.
 *
 * @param names the first one is its own
 * @param root folder of its checkpoint, or null
 * @param maxModelLen most tokens of a prompt and its answer, or null
 * @param created seconds since 1970
 */
public record ModelCards(List<String> names, String root, Integer maxModelLen, long created) {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    public String list() {
        ObjectNode list = JSON.objectNode().put("object", "list");
        ArrayNode data = list.putArray("data");
        names.forEach(name -> data.add(card(name)));
        return list.toString();
    }

    /** @throws ApiException if there is none of that name */
    public String one(String name) throws ApiException {
        if (!names.contains(name)) {
            throw new ApiException(ApiError.noSuchModel(name));
        }
        return card(name).toString();
    }

    private ObjectNode card(String name) {
        ObjectNode card = JSON.objectNode()
                .put("id", name)
                .put("object", "model")
                .put("created", created)
                .put("owned_by", "millrace")
                .put("root", root)
                .putNull("parent")
                .put("max_model_len", maxModelLen);
        card.putArray("permission")
                .addObject()
                .put("id", "modelperm-" + Integer.toHexString(name.hashCode()))
                .put("object", "model_permission")
                .put("created", created)
                .put("allow_create_engine", false)
                .put("allow_sampling", true)
                .put("allow_logprobs", true)
                .put("allow_search_indices", false)
                .put("allow_view", true)
                .put("allow_fine_tuning", false)
                .put("organization", "*")
                .putNull("group")
                .put("is_blocking", false);
        return card;
    }
}

package dev.millrace.gateway.http;

import dev.millrace.gateway.openai.ApiError;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;

/** Writes a call's response. No status is sent before the first event, so that an error has its own. */
sealed interface ResponseWriter permits StreamedResponse, CollectedResponse {

    /** @param event no error */
    void event(int prompt, TokenEvent event);

    /** A replay differed from what was heard before. */
    void diverged(int prompt, int choice, String message);

    /** One prompt's answers have all ended. */
    void end(int prompt, Usage usage);

    /** All prompts' answers have ended. */
    void finish();

    /** The call ends with an error. */
    void fail(ApiError error);
}

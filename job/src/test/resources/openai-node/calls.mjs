// Calls the server by the official SDK, case by case, and prints what came of each as one JSON object.
// The environment says where: BASE_URL and STRICT_URL (a second instance with narrow limits), MODEL, API_KEY, SAMPLES.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import OpenAI from 'openai';

const { BASE_URL, STRICT_URL, MODEL, API_KEY, SAMPLES } = process.env;
const client = new OpenAI({ baseURL: BASE_URL, apiKey: API_KEY, maxRetries: 0, timeout: 120_000 });
const strict = client.withOptions({ baseURL: STRICT_URL });

const system = { role: 'system', content: 'You are a helpful assistant.' };
const whoAreYou = [{ role: 'user', content: 'Who are you?' }];
const asked = { model: MODEL, temperature: 0, max_tokens: 64 };

function data(file, type) {
    return `data:${type};base64,${fs.readFileSync(path.join(SAMPLES, file)).toString('base64')}`;
}

function picture(file, type = 'image/png') {
    return { type: 'image_url', image_url: { url: data(file, type) } };
}

function question(text, ...media) {
    return [{ role: 'user', content: [...media, { type: 'text', text }] }];
}

async function answer(messages, more = {}, from = client) {
    const completion = await from.chat.completions.create({ ...asked, messages, ...more });
    return completion.choices.map((choice) => choice.message.content);
}

/** The choices of a stream put together, and what else its chunks said. */
async function streamed(body) {
    const stream = await client.chat.completions.create({ ...asked, ...body, stream: true });
    const result = { texts: [], reasons: [], roles: [], chunks: 0, usage: null };
    for await (const chunk of stream) {
        result.chunks++;
        result.usage = chunk.usage ?? result.usage;
        for (const { index, delta, finish_reason } of chunk.choices) {
            result.texts[index] = (result.texts[index] ?? '') + (delta.content ?? '');
            result.roles[index] = delta.role ?? result.roles[index];
            result.reasons[index] = finish_reason ?? result.reasons[index];
        }
    }
    return result;
}

/** The error that a call ends with, as a user of the SDK sees it. */
async function failure(call) {
    try {
        return { none: await call };
    } catch (error) {
        return {
            name: error.constructor.name,
            status: error.status,
            code: error.code,
            type: error.type,
            param: error.param,
            message: error.message,
            retryAfter: error.headers?.get('retry-after'),
        };
    }
}

/** While an answer that waits for its video, as it may for longer than for a picture, takes the only place of the strict instance. */
async function tooMany() {
    let hand;
    let running;
    const isWaiting = new Promise((isAsked) => {
        const server = http.createServer((request, response) => {
            hand = () => {
                response.writeHead(200, { 'Content-Type': 'video/mp4' });
                response.end(fs.readFileSync(path.join(SAMPLES, 'ball.mp4')));
                server.close();
            };
            isAsked();
        });
        server.listen(0, '127.0.0.1', () => {
            const url = `http://127.0.0.1:${server.address().port}/ball.mp4`;
            running = answer(question('What happens in the video?', { type: 'video_url', video_url: { url } }), {}, strict);
        });
    });
    await isWaiting;
    const refused = await failure(strict.chat.completions.create({ ...asked, messages: whoAreYou }));
    hand();
    await running;
    return refused;
}

const threeAnswers = { messages: question('Describe this image in detail.', picture('places.png')), n: 3, temperature: 2, seed: 11 };
const cases = {
    chat: () => client.chat.completions.create({ ...asked, messages: [system, { role: 'user', content: '你是谁?' }] }),
    chatStreamed: () => streamed({
        messages: [system, { role: 'user', content: '你是谁?' }], stream_options: { include_usage: true },
    }),
    picture: () => answer(question('Describe this image.', picture('two-shapes.png'))),
    chinesePicture: () => answer(question('描述这张图片。', picture('noisy.png'))),
    twoPictures: () => answer(question('Compare the two pictures.', picture('left.png'), picture('right.png'))),
    jpeg: () => answer(question('What do you see?', picture('three-shapes.jpg', 'image/jpeg'))),
    video: () => answer(question('What happens in the video?',
        { type: 'video_url', video_url: { url: data('ball.mp4', 'video/mp4') } })),
    three: () => answer(threeAnswers.messages, threeAnswers),
    threeStreamed: () => streamed(threeAnswers),
    logprobs: async () => (await client.chat.completions.create({
        ...asked, messages: whoAreYou, logprobs: true, top_logprobs: 3,
    })).choices[0],
    stop: async () => (await client.chat.completions.create({
        ...asked, messages: whoAreYou, stop: ['demonstration', 'unheard-of'],
    })).choices[0],
    stopStreamed: () => streamed({ messages: whoAreYou, stop: 'demonstration' }),
    schema: () => answer(whoAreYou, {
        response_format: {
            type: 'json_schema',
            json_schema: { name: 'shape', strict: true, schema: { enum: ['a red circle', 'a green square'] } },
        },
    }),
    helper: async () => client.chat.completions.stream({ ...asked, messages: whoAreYou }).finalContent(),
    completion: () => client.completions.create({ ...asked, prompt: 'Once upon a time', max_tokens: 5, echo: true }),
    models: async () => (await client.models.list()).data,
    wrongKey: () => failure(client.withOptions({ apiKey: 'wrong' }).models.list()),
    badTopP: () => failure(client.chat.completions.create({ ...asked, messages: whoAreYou, top_p: 7 })),
    badPicture: () => failure(client.chat.completions.create({
        ...asked,
        messages: question('What?', { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }),
        stream: true,
    })),
    unknownModel: () => failure(client.chat.completions.create({ ...asked, messages: whoAreYou, model: 'gpt-4o' })),
    tooMany,
    tooLarge: () => failure(strict.chat.completions.create({
        ...asked, messages: [{ role: 'user', content: 'x'.repeat(300_000) }],
    })),
};

const results = {};
for (const name of Object.keys(cases)) {
    results[name] = await cases[name]().catch((error) => ({ failed: String(error.stack) }));
}
console.log(JSON.stringify(results));

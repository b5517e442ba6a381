"""Conversations rendered by transformers 5.17.0 with continue_final_message and with variables: chat-options.json."""
import json, pathlib
from transformers.utils.chat_template_utils import render_jinja_template

root = pathlib.Path(__file__).parents[8]
QWEN = json.loads((root / 'golden/qwen2.5-tokenizer/chat_template.json').read_text())['chat_template']
TRIMS = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|im_end|>\n{% endfor %}"
PLAIN = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }} {% endfor %}"
BEFORE = "{% for m in messages %}{{ m['content'] }}{{ end }}{% endfor %}"
READS = (
    "{% if enable_thinking is defined and enable_thinking is false %}quiet {% endif %}"
    "{% if not depth %}none {% endif %}{% if persona %}{{ persona.name }} {{ persona['age'] }} {% endif %}"
    "{% for t in topics %}{{ loop.index }}:{{ t }} {% endfor %}{% if level > 1 %}deep {% endif %}"
    "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}|{% endif %}"
)

def chat(*contents, role='assistant'):
    return [{'role': 'user' if i % 2 == 0 else role, 'content': c} for i, c in enumerate(contents)]

text = lambda t: {'type': 'text', 'text': t}
image = {'type': 'image'}
cases = []

def case(template, messages, continued=False, opening=False, **variables):
    rendered, _ = render_jinja_template(
        [messages], chat_template=template, continue_final_message=continued, add_generation_prompt=opening, **variables)
    cases.append({'template': template, 'messages': messages, 'continue_final_message': continued,
                  'add_generation_prompt': opening, 'variables': variables, 'prompt': rendered[0]})

for last in ['The answer', 'The answer is ', 'a\n', '\n\n', '', ' ', '你好', '{"name": "', 'a < b <', '<', 'user', 'the', '👩‍👩‍👧']:
    for template in [QWEN, TRIMS, PLAIN]:
        case(template, chat('the question', last), continued=True)
case(QWEN, chat('one', 'two', 'three'), continued=True)
case(QWEN, chat('half a question, which'), continued=True)
case(QWEN, [{'role': 'system', 'content': 'Be'}], continued=True)
case(QWEN, chat([image, text('What is '), text('this')], [text('It '), text('is a')]), continued=True)
case(QWEN, chat([image, text('It shows')]), continued=True, add_vision_id=True)
case(BEFORE, chat('q', 'a'), continued=True, end='</s>')
for variables in [{}, {'enable_thinking': False}, {'enable_thinking': True}, {'depth': None}, {'level': 2}, {'level': 0.5, 'topics': ['a', 'b']},
                  {'topics': [], 'persona': {'name': 'Ann', 'age': 7}, 'unread': {'x': [1]}}, {'level': 1 << 80}, {'level': 1.5, 'topics': [1, 'zwei']}]:
    case(READS, chat('hi'), opening=True, **({'level': 1} | variables))
for seen in [False, True, 1, 0, 'yes', '', None]:
    case(QWEN, chat([image, text('hi'), {'type': 'video'}]), opening=True, add_vision_id=seen)
pathlib.Path(__file__).with_name('chat-options.json').write_text('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
print(len(cases))

import json, random
from jinja2.sandbox import ImmutableSandboxedEnvironment
env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
r = random.Random(5)
def block(body): return '{%' + r.choice(['', '', '', '-', '+']) + ' ' + body + ' ' + r.choice(['', '', '', '-', '+']) + '%}'
def var(): return '{{' + r.choice(['', '', '-']) + ' ' + r.choice(["'v'", "'%}'", '"}}"', "'a\\n'", '7', "'{{'"]) + ' ' + r.choice(['', '', '-']) + '}}'
def comment(): return '{#' + r.choice(['', '-', '+']) + " it's " + r.choice(['', '-', '+']) + '#}'
def gen(depth=0):
    out = ''
    for _ in range(r.randint(1, 5)):
        k = r.randint(0, 9)
        if k < 5: out += r.choice([' ', '\n', '  ', '\n\n', ' \n ', '\n  ', '\n ', '\n\t', 'x', ' y ', '{ }', '\t', '%} ', 'z\n'])
        elif k == 5: out += var()
        elif k == 6: out += comment()
        elif k == 7 and depth < 3: out += block(r.choice(['if add_generation_prompt', 'if add_vision_id'])) + gen(depth + 1) + (block('else') + gen(depth + 1) if r.random() < .4 else '') + block('endif')
        elif k == 8: out += block("set q = 'w'") 
        else: out += r.choice(['a', '\n'])
    return out
cases = []
while len(cases) < 400:
    t = gen()
    if '{%' not in t and '{{' not in t: continue
    cases.append({'template': t, 'rendered': env.from_string(t).render(add_generation_prompt=True, add_vision_id=False)})
print('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]')

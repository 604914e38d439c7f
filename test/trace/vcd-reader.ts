/** A variable as a file declares it. */
export interface ReadVariable {
  readonly path: string;
  readonly type: string;
  readonly width: number;
}

/** A value: an unsigned integer, or what is none. An event has 1. */
export type ReadValue = number | 'x' | 'z';

/** A value change dump as a reader has it that takes the standard at its word. */
export interface ReadDump {
  readonly version: string;
  readonly comment: string;
  readonly variables: readonly ReadVariable[];
  readonly fromPs: number;
  readonly toPs: number;
  readonly changes: readonly { readonly timePs: number; readonly path: string; readonly value: ReadValue }[];
  /** Value of a wire at an instant, with what changes at it. */
  at(path: string, timePs: number): ReadValue;
}

/** Reads a dump (IEEE 1364-2005, 18.2); throws for whatever the standard does not have, and for changes that are none. */
export function readVcd(text: string): ReadDump {
  const tokens = text.split(/\s+/).filter((token) => token !== '');
  let next = 0;
  const fail = (what: string): never => {
    throw new Error(`token ${next}, ${JSON.stringify(tokens[next])}: ${what}`);
  };
  const section = (): string[] => {
    const end = tokens.indexOf('$end', next);
    if (end < 0) fail('a section without an end');
    const words = tokens.slice(next + 1, end);
    if (words.some((word) => word.startsWith('$'))) fail('a keyword in a section');
    next = end + 1;
    return words;
  };

  const texts: Record<string, string> = {};
  const variables = new Map<string, ReadVariable>();
  const paths = new Set<string>();
  const scopes: string[] = [];
  for (let done = false; !done; ) {
    const keyword = tokens[next];
    const words = section();
    if (keyword === '$version' || keyword === '$comment' || keyword === '$timescale') {
      if (texts[keyword] !== undefined) fail(`${keyword} twice`);
      texts[keyword] = words.join(' ');
    } else if (keyword === '$scope') {
      if (words.length !== 2 || words[0] !== 'module' || !isName(words[1])) fail(`a scope ${words}`);
      scopes.push(words[1]);
    } else if (keyword === '$upscope') {
      if (words.length > 0 || scopes.pop() === undefined) fail('out of no scope');
    } else if (keyword === '$var') {
      const [type, size, code, name, range, ...rest] = words;
      const width = Number(size);
      if ((type !== 'wire' && type !== 'event') || rest.length > 0 || !isName(name))
        fail(`a variable ${words}`);
      if (!(Number.isInteger(width) && width >= 1) || (type === 'event' && width !== 1))
        fail(`${width} bits`);
      if (range !== (width === 1 ? undefined : `[${width - 1}:0]`)) fail(`a range ${range} of ${width} bits`);
      if (!/^[!-~]+$/.test(code) || variables.has(code)) fail(`the code ${code}, or that of another`);
      const path = [...scopes, name].join('.');
      if (paths.has(path)) fail(`a second ${path}`);
      paths.add(path);
      variables.set(code, { path, type, width });
    } else if (keyword === '$enddefinitions') {
      if (words.length > 0 || scopes.length > 0) fail('an end of the definitions within a scope');
      done = true;
    } else fail('no such keyword');
  }
  if (texts['$timescale'] !== '1 ps') fail(`a time scale of ${texts['$timescale']}`);

  const history = new Map<string, { readonly timesPs: number[]; readonly values: ReadValue[] }>();
  const changes: { readonly timePs: number; readonly path: string; readonly value: ReadValue }[] = [];
  let timePs = Number.NaN;
  let fromPs = Number.NaN;
  let isDumping = false;
  while (next < tokens.length) {
    const token = tokens[next];
    if (token.startsWith('#')) {
      const time = Number(token.slice(1));
      if (!/^#\d+$/.test(token) || !Number.isSafeInteger(time) || time <= timePs)
        fail(`time goes from ${timePs} on`);
      timePs = time;
      if (Number.isNaN(fromPs)) fromPs = time;
    } else if (token === '$dumpvars') {
      if (isDumping || timePs !== fromPs || history.size > 0)
        fail('values at the beginning that are not there');
      isDumping = true;
    } else if (token === '$end') {
      if (!isDumping) fail('an end of nothing');
      isDumping = false;
      for (const { path, type } of variables.values())
        if (type === 'wire' && !history.has(path)) fail(`no value of ${path}`);
    } else {
      const isVector = token.startsWith('b');
      const code = isVector ? tokens[++next] : token.slice(1);
      const variable = variables.get(code) ?? fail(`no variable ${code}`);
      const digits = isVector ? token.slice(1) : token[0];
      const { path, width, type } = variable;
      if (isVector === (width === 1)) fail(`${path} has ${width} bits`);
      if (!/^([01]+|x|z)$/.test(digits) || digits.length > width)
        fail(`the value ${digits} of ${width} bits`);
      const value = digits === 'x' || digits === 'z' ? digits : Number.parseInt(digits, 2);
      const known = history.get(path) ?? { timesPs: [], values: [] };
      history.set(path, known);
      if (Number.isNaN(timePs) || (type === 'event' && (isDumping || value !== 1))) fail(`${path} happens`);
      if (known.timesPs.at(-1) === timePs && !isDumping && known.values.length > 0 && timePs !== fromPs)
        fail(`${path} changes twice at ${timePs}`);
      if (type === 'wire' && known.values.at(-1) === value) fail(`${path} has had ${value} before`);
      known.timesPs.push(timePs);
      known.values.push(value);
      if (!isDumping) changes.push({ timePs, path, value });
    }
    next++;
  }
  if (isDumping || Number.isNaN(fromPs)) fail('no end of the values at the beginning');
  return {
    version: texts['$version'] ?? '',
    comment: texts['$comment'] ?? '',
    variables: [...variables.values()],
    fromPs,
    toPs: timePs,
    changes,
    at: (path, time) => {
      const known = history.get(path);
      const at = known?.timesPs.findLastIndex((each) => each <= time) ?? -1;
      if (known === undefined || at < 0) throw new Error(`${path} has no value at ${time}`);
      return known.values[at];
    },
  };
}

function isName(text: string | undefined): boolean {
  return text !== undefined && /^[A-Za-z_][\w$]*$/.test(text);
}

import { ScenarioError } from './scenario-error.ts';

/** Scenarios nest five levels deep; this is for whoever passes something else. */
const MAX_DEPTH = 64;

/**
 * Reads JSON, and says by line and column what is wrong with a text that is none. Keys that stand twice in
 * one object are wrong too: `JSON.parse` would silently keep the second.
 *
 * @param source what the text is called in the error.
 * @throws {@link ScenarioError}
 */
export function parseJsonText(text: string, source: string): unknown {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  const fault = new JsonScanner(json).scan();
  if (fault !== null) {
    const { line, column } = lineAndColumn(json, fault.offset);
    throw new ScenarioError({
      source: `${source}:${line}:${column}`,
      path: '',
      value: undefined,
      problem: fault.problem,
      allowed: fault.allowed,
    });
  }
  return JSON.parse(json);
}

interface Fault {
  offset: number;
  problem: string;
  allowed: string;
}

/** Walks over a text along the grammar of RFC 8259 and stops where it leaves it. */
class JsonScanner {
  private readonly text: string;
  private at = 0;
  private fault: Fault | null = null;

  constructor(text: string) {
    this.text = text;
  }

  scan(): Fault | null {
    this.space();
    if (this.at === this.text.length) return { offset: 0, problem: 'is empty', allowed: 'a JSON object' };
    if (this.value(0)) {
      this.space();
      if (this.at < this.text.length) this.unexpected('nothing after the end of the document');
    }
    return this.fault;
  }

  private value(depth: number): boolean {
    if (depth > MAX_DEPTH) return this.fail(this.at, 'is nested too deeply', `${MAX_DEPTH} levels`);
    const first = this.text[this.at];
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    if (first === '"') return this.string() !== null;
    return this.word();
  }

  private object(depth: number): boolean {
    const keys = new Set<string>();
    this.at++;
    this.space();
    if (this.take('}')) return true;
    for (;;) {
      const start = this.at;
      if (this.text[start] !== '"') return this.unexpected('a key in double quotes');
      const key = this.string();
      if (key === null) return false;
      if (keys.has(key)) return this.fail(start, `the key ${key} stands here twice`, 'each key once');
      keys.add(key);
      this.space();
      if (!this.take(':')) return this.unexpected('":" after the key');
      this.space();
      if (!this.value(depth + 1)) return false;
      this.space();
      if (this.take('}')) return true;
      if (!this.take(',')) return this.unexpected('"," or "}"');
      this.space();
      if (this.text[this.at] === '}') return this.unexpected('a key after a comma');
    }
  }

  private array(depth: number): boolean {
    this.at++;
    this.space();
    if (this.take(']')) return true;
    for (;;) {
      if (!this.value(depth + 1)) return false;
      this.space();
      if (this.take(']')) return true;
      if (!this.take(',')) return this.unexpected('"," or "]"');
      this.space();
      if (this.text[this.at] === ']') return this.unexpected('a value after a comma');
    }
  }

  /** The string with its quotes and escapes as written, or null. */
  private string(): string | null {
    const start = this.at;
    const match = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
    match.lastIndex = start;
    const found = match.exec(this.text)?.[0];
    if (found === undefined || hasControlCharacter(found)) {
      this.fail(start, 'the string that begins here is not well formed', 'a string closed on its line');
      return null;
    }
    this.at += found.length;
    return found;
  }

  private word(): boolean {
    const match = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
    match.lastIndex = this.at;
    const found = match.exec(this.text);
    if (found === null) return this.unexpected('a value');
    this.at += found[0].length;
    return true;
  }

  private space(): void {
    const match = /[ \t\r\n]*/y;
    match.lastIndex = this.at;
    this.at += match.exec(this.text)?.[0].length ?? 0;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private unexpected(allowed: string): boolean {
    const rest = this.text.slice(this.at, this.at + 24);
    if (rest === '') return this.fail(this.at, 'the text ends here', allowed);
    if (rest.startsWith('//') || rest.startsWith('/*')) {
      return this.fail(this.at, 'comments are no JSON', allowed);
    }
    const word = /^[\w.+-]+/.exec(rest)?.[0] ?? String.fromCodePoint(rest.codePointAt(0) ?? 0);
    return this.fail(this.at, `unexpected ${JSON.stringify(word)}`, allowed);
  }

  private fail(offset: number, problem: string, allowed: string): boolean {
    this.fault ??= { offset, problem, allowed };
    return false;
  }
}

/** RFC 8259, section 7: U+0000 to U+001F are escaped. */
function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return false;
}

function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

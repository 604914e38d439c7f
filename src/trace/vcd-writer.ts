/** A variable of a value change dump. */
export interface VcdVariable {
  /** Scopes from the outermost one on, then its own name, with points between them. */
  readonly path: string;
  /** Bits, 1 to 32; 1 for an event. */
  readonly width: number;
  /** An event has no value: it happens. */
  readonly type: 'wire' | 'event';
}

/** What a {@link VcdWriter} says at the beginning of a file. */
export interface VcdHeader {
  readonly version: string;
  /** For people. */
  readonly comment: string;
  readonly variables: readonly VcdVariable[];
}

/** A value that is no number: x, which nobody knows. */
export const VCD_UNKNOWN = -1;
/** z, which nobody drives. */
export const VCD_HIGH_IMPEDANCE = -2;

/** Characters of identifier codes: ! to ~ (18.2.1), but for those that begin keywords and times. */
const CODES = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
  (character) => character !== '#' && character !== '$',
);
const PIECE_CHARACTERS = 1 << 16;

/**
 * Writes a value change dump (IEEE 1364-2005, 18.2), which GTKWave and most tools for hardware open. Times are in ps.
 *
 * @example
 * const variables = [{ path: 'link.upstream.busy', width: 1, type: 'wire' }] as const;
 * const dump = new VcdWriter((piece) => file.push(piece), { version: 'mine', comment: '', variables });
 * dump.begin(0, [0]);
 * dump.change(4000, 0, 1);
 * dump.end(10_000);
 */
export class VcdWriter {
  private readonly output: (piece: string) => void;
  private readonly variables: readonly VcdVariable[];
  private readonly codes: readonly string[];
  private text = '';
  private lastPs = Number.NaN;

  /**
   * Writes the header.
   *
   * @throws RangeError for a width that is out of range, a path with what is no name in it, and one that is there twice.
   */
  constructor(output: (piece: string) => void, { version, comment, variables }: VcdHeader) {
    this.output = output;
    this.variables = variables;
    this.codes = variables.map((_, i) => codeOf(i));
    checkVariables(variables);
    for (const [section, text] of [
      ['version', version],
      ['comment', comment],
      ['timescale', '1 ps'],
    ])
      if (text !== '') this.text += `$${section}\n  ${text.replaceAll('$', '')}\n$end\n`;
    this.declare();
    this.text += '$enddefinitions $end\n';
  }

  /** The values at the beginning, by variable; those of events are passed over. */
  begin(timePs: number, values: readonly number[]): void {
    this.time(timePs);
    this.text += '$dumpvars\n';
    this.variables.forEach(({ type }, i) => {
      if (type === 'wire') this.put(i, values[i]);
    });
    this.text += '$end\n';
  }

  /**
   * A variable has another value: an unsigned integer, {@link VCD_UNKNOWN} or {@link VCD_HIGH_IMPEDANCE}. An event has happened.
   *
   * @throws RangeError for a time before that of the last change.
   */
  change(timePs: number, variable: number, value: number): void {
    if (timePs !== this.lastPs) this.time(timePs);
    this.put(variable, value);
  }

  /** Nothing more happens until then. */
  end(timePs: number): void {
    if (timePs !== this.lastPs) this.time(timePs);
    this.output(this.text);
    this.text = '';
  }

  private time(timePs: number): void {
    if (timePs < this.lastPs) throw new RangeError(`timePs: ${timePs} lies before ${this.lastPs}`);
    this.lastPs = timePs;
    if (this.text.length > PIECE_CHARACTERS) {
      this.output(this.text);
      this.text = '';
    }
    this.text += `#${timePs}\n`;
  }

  private put(variable: number, value: number): void {
    const { width, type } = this.variables[variable];
    const digits = value === VCD_UNKNOWN ? 'x' : value === VCD_HIGH_IMPEDANCE ? 'z' : value.toString(2);
    if (digits.length > width) throw new RangeError(`value: ${value} has more than ${width} bits`);
    const text = type === 'event' ? '1' : digits;
    this.text += width === 1 ? `${text}${this.codes[variable]}\n` : `b${text} ${this.codes[variable]}\n`;
  }

  /** Scopes as a tree, in the order in which they come. */
  private declare(): void {
    interface Scope {
      readonly scopes: Map<string, Scope>;
      readonly lines: string[];
    }
    const root: Scope = { scopes: new Map(), lines: [] };
    this.variables.forEach(({ path, width, type }, i) => {
      const names = path.split('.');
      const own = names.pop();
      let scope = root;
      for (const name of names) {
        const next = scope.scopes.get(name) ?? { scopes: new Map(), lines: [] };
        scope.scopes.set(name, next);
        scope = next;
      }
      const range = width === 1 ? '' : ` [${width - 1}:0]`;
      scope.lines.push(`$var ${type} ${width} ${this.codes[i]} ${own}${range} $end\n`);
    });
    const write = ({ scopes, lines }: Scope) => {
      this.text += lines.join('');
      for (const [name, scope] of scopes) {
        this.text += `$scope module ${name} $end\n`;
        write(scope);
        this.text += '$upscope $end\n';
      }
    };
    write(root);
  }
}

function checkVariables(variables: readonly VcdVariable[]): void {
  const paths = new Set<string>();
  for (const { path, width, type } of variables) {
    if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/.test(path) || paths.has(path))
      throw new RangeError(`path: ${JSON.stringify(path)} is no path of names, or is there twice`);
    paths.add(path);
    const most = type === 'event' ? 1 : 32;
    if (!(Number.isInteger(width) && width >= 1 && width <= most))
      throw new RangeError(`width: ${width} of ${path} does not lie from 1 to ${most}`);
  }
}

/** Codes of one character first, then those of two. */
function codeOf(index: number): string {
  const rest = Math.floor(index / CODES.length);
  return (rest > 0 ? codeOf(rest - 1) : '') + CODES[index % CODES.length];
}

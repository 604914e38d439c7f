import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Compiled bench files lie one folder deeper than their sources. */
const compiled = import.meta.url.includes('/.build/');
const root = new URL(compiled ? '../../../' : '../../', import.meta.url);
const source = fileURLToPath(new URL('bench/reference/switch.c', root));
const folder = fileURLToPath(new URL('.build/reference/', root));

/** Compiles the switch in C with `gcc -O3 -march=native`; undefined where there is no compiler. */
export function compileC(): string | undefined {
  mkdirSync(folder, { recursive: true });
  const program = `${folder}switch`;
  try {
    execFileSync('gcc', ['-O3', '-march=native', '-o', program, source], { stdio: ['ignore', 'ignore', 2] });
    return program;
  } catch {
    return undefined;
  }
}

/** What the program in C says of some rounds. */
export interface CRounds {
  frames: number;
  ns: number;
  checksum: number;
  portsChecksum: number;
}

let scenarios = 0;

/** A running program in C, which does rounds of a scenario when it is told to. */
export class CSwitch {
  readonly #child: ChildProcess;
  readonly #file: string;
  #answer: ((line: string) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  /** @param parts the scenario's file. */
  constructor(program: string, parts: Uint8Array[]) {
    this.#file = `${folder}scenario-${process.pid}-${scenarios++}.bin`;
    writeFileSync(this.#file, Buffer.concat(parts));
    this.#child = spawn(program, [this.#file], { stdio: ['pipe', 'pipe', 2] });
    let text = '';
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end < 0) return;
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      this.#answer?.(line);
    });
    this.#child.on('error', (error) => this.#fail?.(error));
    this.#child.on('exit', (code) => this.#fail?.(new Error(`the switch in C ended with status ${code}`)));
  }

  async rounds(count: number): Promise<CRounds> {
    const line = await new Promise<string>((resolve, reject) => {
      this.#answer = resolve;
      this.#fail = reject;
      this.#child.stdin?.write(`${count}\n`);
    });
    const [frames, ns, checksum, portsChecksum] = line.split(' ').map(Number);
    return { frames, ns, checksum, portsChecksum };
  }

  close(): void {
    this.#fail = undefined;
    this.#child.stdin?.end();
    rmSync(this.#file, { force: true });
  }
}

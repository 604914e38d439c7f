import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { INLINING_FLAGS } from '../inlining.ts';
import { SharedWork } from './shared-work.ts';
import { type SwitchScenario, SwitchWork } from './switch-scenario.ts';

/** Compiled bench files lie one folder deeper than their sources. */
const compiled = import.meta.url.includes('/.build/');
/** The project's folder. */
export const root = new URL(compiled ? '../../../' : '../../', import.meta.url);
const source = fileURLToPath(new URL('bench/reference/switch.c', root));
const folder = fileURLToPath(new URL('.build/reference/', root));
const script = fileURLToPath(new URL(`js-switch.${compiled ? 'js' : 'ts'}`, import.meta.url));

/** Files for programs in C, until this one ends. */
const files: string[] = [];
process.once('exit', () => {
  for (const file of files) rmSync(file, { force: true });
});

/** What a program says of some rounds. */
export interface Rounds {
  frames: number;
  ns: number;
  /** Over all entries of all output queues. */
  checksum: number;
  /** Over the counters of all ports. */
  portsChecksum: number;
}

/** What should not be there after some rounds. */
export interface Traces {
  /** Bytes of frames that are not what they were. */
  bytesWritten: number;
  /** Bytes by which the heap has grown, array buffers included. */
  heapBytes: number;
}

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

/** A running program that switches rounds of one scenario when it is told to. */
export class SwitchProgram {
  private readonly child: ChildProcess;
  private settle: ((line: string | Error) => void) | undefined = undefined;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 2] });
    let text = '';
    this.child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end < 0) return;
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      this.settle?.(line);
    });
    this.child.on('error', (error) => this.settle?.(error));
    this.child.on('exit', (code) => this.settle?.(new Error(`${command} ended with status ${code}`)));
  }

  async rounds(count: number): Promise<Rounds> {
    const [frames, ns, checksum, portsChecksum] = await this.ask(`${count}`);
    return { frames, ns, checksum, portsChecksum };
  }

  /** What `count` rounds leave behind. Only of this package's switch. */
  async traces(count: number): Promise<Traces> {
    const [bytesWritten, heapBytes] = await this.ask(`traces ${count}`);
    return { bytesWritten, heapBytes };
  }

  private async ask(question: string): Promise<number[]> {
    const line = await new Promise<string>((resolve, reject) => {
      this.settle = (answer) => (typeof answer === 'string' ? resolve(answer) : reject(answer));
      this.child.stdin?.write(`${question}\n`);
    });
    return line.split(' ').map(Number);
  }

  close(): void {
    this.settle = undefined;
    this.child.stdin?.end();
  }
}

/** The switch of this package. */
export function startJs(scenario: SwitchScenario): SwitchProgram {
  return new SwitchProgram(process.execPath, [
    '--expose-gc',
    ...INLINING_FLAGS,
    script,
    JSON.stringify(scenario),
  ]);
}

/** The same in C; `program` is what {@link compileC} returned. */
export function startC(program: string, scenario: SwitchScenario): SwitchProgram {
  const work = scenario.shared === true ? new SharedWork(scenario) : new SwitchWork(scenario);
  const file = `${folder}scenario-${process.pid}-${files.length}.bin`;
  writeFileSync(file, Buffer.concat(work.file()));
  files.push(file);
  return new SwitchProgram(program, [file]);
}

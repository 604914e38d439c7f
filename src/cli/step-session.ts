import { type BreakpointOptions, Stepper, type Stop, snapshotCounters } from '../sim/index.ts';
import { formatJson } from '../sim/report-json.ts';
import type { Simulation } from '../sim/simulation.ts';
import { differenceOf } from './load-scenario.ts';
import { grouped } from './numbers.ts';
import { describeRegister, listRegisters, registerNamed } from './step-registers.ts';
import { UsageError } from './usage-error.ts';

const PS: Readonly<Record<string, number>> = { ps: 1, ns: 1e3, us: 1e6, ms: 1e9 };
const UNTIL = 'time, event, register, counter, frame';
/** Names that a message lists. */
const SOME = 6;
/** Steps of one command at most. */
const MAX_STEPS = 1e9;

/** What the commands do with files. */
export interface StepFiles {
  save(path: string, simulation: Simulation): void;
  load(path: string): Simulation;
  /** Another one in the same state, that may be done anything to. */
  copy(simulation: Simulation): Simulation;
}

/** One line of the help each. */
const HELP = `until time T            run to T after the traffic began (5us, 0.2ms), or T from now (+300ns)
until event NAME        run to the next event of a task
until register F.NAME   run to an access: PF.CTRL, VF0.VFTDT[0]; "read" or "write" behind it for one of the two
until counter NAME >= N run until a counter comes to N
until frame N           run until the Nth frame of the run comes into the switch, as trace-frame counts
event [N], cycle [N]    one event or one cycle of the card's core clock, or N
run                     run to the end
where                   where the run is
register F.NAME         what a register would be read as, with its fields; it is not read
registers [PREFIX]      names of registers; those that begin so with what they would be read as: PF.EI, VF0.VFRD
tasks                   names of the tasks that events belong to
counters [TEXT]         counters that are not 0, whose names have TEXT in them
snapshot FILE           write the state of the machine
restore FILE            go on from such a state
help, quit
# ...                   nothing: a comment
`;

/** A simulation that goes on by commands, one a line. */
export class StepSession {
  private simulation: Simulation;
  private stepper: Stepper;
  private readonly files: StepFiles;

  constructor(simulation: Simulation, files: StepFiles) {
    this.files = files;
    this.simulation = simulation;
    this.stepper = new Stepper(simulation);
  }

  /** Where the run is, in one line. */
  where(): string {
    const { simulation, stepper } = this;
    return this.placeOf(stepper.stop(), simulation);
  }

  /**
   * Does what a line says; returns what is to be printed, or null for the last one.
   *
   * @throws {@link UsageError} for a line that is wrong; then nothing was done.
   */
  act(line: string): string | null {
    const [name = '', ...words] = line.trim().split(/\s+/);
    if (name.startsWith('#')) return '';
    const alone = (text: string) => {
      if (words.length > 0) throw new UsageError(`${name}: takes nothing behind it; allowed ${name} alone`);
      return text;
    };
    switch (name) {
      case '':
        return '';
      case 'until':
        return this.until(words);
      case 'event':
        return this.moved(this.stepper.step(countOf(name, words)));
      case 'cycle':
        return this.moved(this.stepper.stepCycles(countOf(name, words)));
      case 'run':
        alone('');
        return this.runTo(this.simulation.endPs);
      case 'where':
        return alone(this.where());
      case 'counters':
        return this.counters(words);
      case 'register':
        return this.register(words.join(' '));
      case 'registers':
        return listRegisters(words.join(' '), this.files.copy(this.simulation));
      case 'tasks':
        return alone(`${this.tasks().join('\n')}\n`);
      case 'snapshot':
        return this.snapshot(words);
      case 'restore':
        return this.restore(words);
      case 'help':
        return alone(HELP);
      case 'quit':
        alone('');
        return null;
      default:
        throw new UsageError(
          `${JSON.stringify(name)} is no command; allowed until, event, cycle, run, where, counters, register, registers, tasks, snapshot, restore, help, quit`,
        );
    }
  }

  private until([what = '', ...words]: readonly string[]): string {
    const text = words.join(' ');
    switch (what) {
      case 'time':
        return this.untilInstant(text);
      case 'event':
        if (text === '') throw new UsageError(`until event: names no task; allowed ${this.someTasks()}`);
        return this.runUntil(`event ${text}`, { event: text });
      case 'register': {
        const [name = '', access, ...others] = words;
        const { row: _, name: __, vf: ___, ...register } = registerNamed(name, this.simulation);
        if (access === undefined) return this.runUntil(`register ${text}`, { register });
        if ((access === 'read' || access === 'write') && others.length === 0)
          return this.runUntil(`register ${text}`, { register: { ...register, access } });
        throw new UsageError(
          `until register: ${JSON.stringify([access, ...others].join(' '))} behind ${name} does not fit; allowed read, write, or nothing`,
        );
      }
      case 'counter': {
        const [, name, atLeast] = /^(\S+) ?>= ?(\d+)$/.exec(text) ?? [];
        if (name === undefined)
          throw new UsageError(`until counter: ${JSON.stringify(text)} does not fit; allowed NAME >= N`);
        return this.untilCounter(name, Number(atLeast));
      }
      case 'frame': {
        const nth = Number(text) - this.frames;
        if (!/^\d+$/.test(text) || nth < 1)
          throw new UsageError(
            `until frame: ${JSON.stringify(text)} does not fit; allowed whole numbers from ${this.frames + 1} on`,
          );
        return this.runUntil(`frame ${text}`, { frame: { nth } });
      }
      default:
        throw new UsageError(`until: ${JSON.stringify(what)} is nothing to wait for; allowed ${UNTIL}`);
    }
  }

  private untilInstant(text: string): string {
    const instant = this.instantOf(text);
    const where = this.runTo(instant);
    return instant > this.simulation.nowPs ? notCome(`time ${text}`) + where : where;
  }

  private untilCounter(name: string, atLeast: number): string {
    const is = snapshotCounters(this.simulation.machine.components)[name];
    if (is >= atLeast)
      throw new UsageError(
        `until counter: ${name} is ${is} already; allowed whole numbers from ${Math.floor(is) + 1} on`,
      );
    return this.runUntil(`counter ${name} >= ${atLeast}`, { counter: { name, atLeast } });
  }

  /** Names of tasks, each once, in the order in which the machine has made them. */
  private tasks(): string[] {
    // The first is nobody's.
    return [...new Set(this.simulation.machine.scheduler.taskNames.slice(1))];
  }

  private someTasks(): string {
    return `names of tasks, such as ${this.tasks().slice(0, SOME).join(', ')} ("tasks" lists all)`;
  }

  private instantOf(text: string): number {
    const { nowPs, startPs } = this.simulation;
    const [, sign, number, unit] = /^(\+?)(\d+(?:\.\d+)?) ?(ps|ns|us|ms)$/.exec(text) ?? [];
    const ps = Math.round(Number(number) * PS[unit]) + (sign === '+' ? nowPs : startPs);
    if (unit === undefined || ps < nowPs) {
      const from = Math.max(0, nowPs - startPs) / 1000;
      throw new UsageError(
        `until time: ${JSON.stringify(text)} does not fit; allowed from ${from}ns on, or +T from now, in ps, ns, us or ms`,
      );
    }
    return ps;
  }

  private runTo(untilPs: number): string {
    return this.moved(
      this.stepper.run({
        untilPs: Math.min(untilPs, Math.max(this.simulation.endPs, this.simulation.nowPs)),
      }),
    );
  }

  private runUntil(what: string, options: BreakpointOptions): string {
    let number: number;
    try {
      number = this.stepper.break(options);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      throw new UsageError(
        `until: ${error.message.replace(/^breakpoint\./, '')}; allowed ${options.event === undefined ? 'what the machine has' : this.someTasks()}`,
      );
    }
    const stop = this.stepper.run({ untilPs: Math.max(this.simulation.endPs, this.simulation.nowPs) });
    this.stepper.clear(number);
    const where = this.moved(stop);
    return stop.reason === 'breakpoint' ? where : notCome(what) + where;
  }

  private moved(stop: Stop): string {
    return this.placeOf(stop, this.simulation);
  }

  private placeOf({ timePs, cycle, lastEvent, next }: Stop, { startPs, endPs }: Simulation): string {
    const since =
      timePs < startPs
        ? `${((startPs - timePs) / 1000).toFixed(3)} ns until the traffic begins`
        : `${((timePs - startPs) / 1000).toFixed(3)} ns of traffic`;
    const end = timePs >= endPs ? ', the end of the run' : '';
    const last = lastEvent === null ? '' : `; last ${lastEvent}`;
    const then =
      next === null ? '; nothing waits' : `; next ${next.event} at ${(next.timePs / 1000).toFixed(3)} ns`;
    return `${(timePs / 1000).toFixed(3)} ns, ${since}${end}; cycle ${cycle}, frame ${this.frames}${last}${then}\n`;
  }

  private counters(words: readonly string[]): string {
    const text = words.join(' ');
    const all = Object.entries(snapshotCounters(this.simulation.machine.components));
    const chosen = all.filter(([name]) => name.includes(text));
    if (chosen.length === 0)
      throw new UsageError(
        `counters: no name has ${JSON.stringify(text)} in it; allowed a part of a name, or nothing`,
      );
    return chosen
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `${name} ${grouped(value)}\n`)
      .join('');
  }

  private register(text: string): string {
    const register = registerNamed(text, this.simulation);
    // Reading clears some registers: that of the copy.
    return describeRegister(text, register, this.files.copy(this.simulation));
  }

  private snapshot(words: readonly string[]): string {
    const path = fileOf('snapshot', words);
    this.files.save(path, this.simulation);
    return `${path}: ${this.where()}`;
  }

  private restore(words: readonly string[]): string {
    const path = fileOf('restore', words);
    const simulation = this.files.load(path);
    if (formatJson(simulation.scenario) !== formatJson(this.simulation.scenario))
      throw new UsageError(
        `restore: ${JSON.stringify(path)} is of another scenario: ${differenceOf(simulation.scenario, this.simulation.scenario)}; allowed snapshots of this one`,
      );
    this.stepper.end();
    this.simulation = simulation;
    this.stepper = new Stepper(simulation);
    return this.where();
  }

  /** Frames that have come into the switch since power-on, as many as the machine has seen: before a snapshot, too. */
  private get frames(): number {
    return this.simulation.machine.nic.data.framesEntered;
  }
}

function notCome(what: string): string {
  return `${what} did not come: the end of the run\n`;
}

function countOf(name: string, words: readonly string[]): number {
  const text = words.join(' ');
  if (text === '') return 1;
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_STEPS) return count;
  throw new UsageError(
    `${name}: ${JSON.stringify(text)} does not fit; allowed whole numbers from 1 to ${MAX_STEPS}`,
  );
}

function fileOf(name: string, words: readonly string[]): string {
  if (words.length === 1) return words[0];
  throw new UsageError(`${name}: names no file; allowed ${name} FILE, without blanks`);
}

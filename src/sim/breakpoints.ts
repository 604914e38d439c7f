import { checkInteger, checkKeys, checkNumber, checkOneOf } from '../base/index.ts';
import { ProbeKind } from '../kernel/index.ts';
import { NUMBER_MASK } from '../nicswitch/index.ts';
import { didYouMean } from './scenario-suggest.ts';
import type { Simulation } from './simulation.ts';

/** Where a run stops: one of the members, which says what kind of breakpoint it is. */
export interface BreakpointOptions {
  /** Before the first event at or after this instant, in ps from power-on. */
  readonly timePs?: number;
  /** Before each event of the task with this name, as {@link Simulation} has them: `nic.switch`, say. */
  readonly event?: string;
  /** After each event in which software accesses such a register. */
  readonly register?: RegisterBreakpoint;
  /** After the event in which a counter comes to a value. */
  readonly counter?: CounterBreakpoint;
  /** After the event in which a frame passes the card's switch. */
  readonly frame?: FrameBreakpoint;
}

/** Registers of a card by function, BAR and offset; what is left out is any. */
export interface RegisterBreakpoint {
  /** Routing ID of the function. */
  readonly routingId?: number;
  /** BAR. Default 0. */
  readonly bar?: number;
  /** Byte offset in the BAR, of the double word or within it. */
  readonly offset?: number;
  /** Default both. */
  readonly access?: 'read' | 'write';
}

/** A counter of a component, under the name that it has in a report. */
export interface CounterBreakpoint {
  readonly name: string;
  readonly atLeast: number;
}

/** A frame at the card's switch. */
export interface FrameBreakpoint {
  /** Where it comes in, leaves, or is dropped. Default `in`. */
  readonly at?: 'in' | 'out' | 'dropped';
  /** VPort; the uplink comes behind the last one. Default any. */
  readonly port?: number;
  /** How manieth of them, counted from when the breakpoint is set; then each. Default 1. */
  readonly nth?: number;
}

/** A breakpoint as a run asks it: before the next event, after each, and for what the model says in between. */
export interface Breakpoint {
  /** What was asked for. */
  readonly options: BreakpointOptions;
  /** Whether to stop before the next event. */
  before(nextPs: number, nextTask: number): boolean;
  /** Whether to stop after the event that has just run. */
  after(): boolean;
  /** Notes a record of a probe. */
  record(kind: ProbeKind, a: number, b: number): void;
}

const ONE_OF = { timePs: true, event: true, register: true, counter: true, frame: true } as const;

const NEVER = {
  before: () => false,
  after: () => false,
  record: () => {},
};

/** @throws RangeError or TypeError for what is none, or names something that the machine does not have. */
export function makeBreakpoint(simulation: Simulation, options: BreakpointOptions): Breakpoint {
  checkKeys<BreakpointOptions>('breakpoint', options, ONE_OF);
  const { timePs, event, register, counter, frame } = options;
  const kinds = Object.values(options).filter((value) => value !== undefined).length;
  if (kinds !== 1) {
    throw new TypeError(
      `breakpoint must have one of ${Object.keys(ONE_OF).join(', ')}, got ${kinds} of them`,
    );
  }
  if (timePs !== undefined) return timeBreakpoint(options, timePs);
  if (event !== undefined) return eventBreakpoint(simulation, options, event);
  if (register !== undefined) return registerBreakpoint(options, register);
  if (counter !== undefined) return counterBreakpoint(simulation, options, counter);
  return frameBreakpoint(options, frame as FrameBreakpoint);
}

function timeBreakpoint(options: BreakpointOptions, timePs: number): Breakpoint {
  checkNumber('breakpoint.timePs', timePs, 0, Number.MAX_SAFE_INTEGER);
  let passed = false;
  const before = (nextPs: number) => {
    const stops = !passed && nextPs >= timePs;
    passed ||= stops;
    return stops;
  };
  return { ...NEVER, options, before };
}

function eventBreakpoint({ machine }: Simulation, options: BreakpointOptions, event: string): Breakpoint {
  checkText('breakpoint.event', event);
  const { taskNames } = machine.scheduler;
  const task = taskNames.indexOf(event, 1);
  if (task < 0) {
    throw new RangeError(`breakpoint.event: no task is called "${event}"${didYouMean(event, taskNames)}`);
  }
  // Several components may have tasks of one name.
  const before = (_: number, nextTask: number) => nextTask > 0 && taskNames[nextTask] === event;
  return { ...NEVER, options, before };
}

function registerBreakpoint(options: BreakpointOptions, register: RegisterBreakpoint): Breakpoint {
  const keys = { routingId: true, bar: true, offset: true, access: true } as const;
  checkKeys<RegisterBreakpoint>('breakpoint.register', register, keys);
  const { routingId, bar = 0, offset, access } = register;
  if (routingId !== undefined) checkInteger('breakpoint.register.routingId', routingId, 0, 0xffff);
  checkInteger('breakpoint.register.bar', bar, 0, 6);
  if (offset !== undefined) checkInteger('breakpoint.register.offset', offset, 0, 2 ** 31 - 1);
  if (access !== undefined) checkOneOf('breakpoint.register.access', access, ['read', 'write']);
  let hit = false;
  return {
    ...NEVER,
    options,
    record: (kind, a, b) => {
      if (kind !== ProbeKind.REGISTER_READ && kind !== ProbeKind.REGISTER_WRITE) return;
      if (access !== undefined && (kind === ProbeKind.REGISTER_READ) !== (access === 'read')) return;
      if (a >> 16 !== bar || (routingId !== undefined && (a & 0xffff) !== routingId)) return;
      if (offset === undefined || b >> 2 === offset >> 2) hit = true;
    },
    after: () => {
      const stops = hit;
      hit = false;
      return stops;
    },
  };
}

function counterBreakpoint(
  { machine }: Simulation,
  options: BreakpointOptions,
  counter: CounterBreakpoint,
): Breakpoint {
  checkKeys<CounterBreakpoint>('breakpoint.counter', counter, { name: true, atLeast: true });
  const { name, atLeast } = counter;
  checkText('breakpoint.counter.name', name);
  checkNumber('breakpoint.counter.atLeast', atLeast, 0, Number.MAX_VALUE);
  // The component and its counter are both allowed to have points in their names.
  const part = machine.components.find(
    (each) => name.startsWith(`${each.name}.`) && name.slice(each.name.length + 1) in each.counters(),
  );
  if (part === undefined) {
    const names = machine.components.flatMap((each) =>
      Object.keys(each.counters()).map((key) => `${each.name}.${key}`),
    );
    throw new RangeError(`breakpoint.counter.name: there is no counter "${name}"${didYouMean(name, names)}`);
  }
  const key = name.slice(part.name.length + 1);
  let reached = part.counters()[key] >= atLeast;
  const after = () => {
    const is = part.counters()[key] >= atLeast;
    const stops = is && !reached;
    reached = is;
    return stops;
  };
  return { ...NEVER, options, after };
}

function frameBreakpoint(options: BreakpointOptions, frame: FrameBreakpoint): Breakpoint {
  checkKeys<FrameBreakpoint>('breakpoint.frame', frame, { at: true, port: true, nth: true });
  const { at = 'in', port, nth = 1 } = frame;
  checkOneOf('breakpoint.frame.at', at, ['in', 'out', 'dropped']);
  if (port !== undefined) checkInteger('breakpoint.frame.port', port, 0, NUMBER_MASK);
  checkInteger('breakpoint.frame.nth', nth, 1, 2 ** 31 - 1);
  const wanted = { in: ProbeKind.FRAME_IN, out: ProbeKind.FRAME_OUT, dropped: ProbeKind.FRAME_DROPPED }[at];
  let seen = 0;
  let hit = false;
  return {
    ...NEVER,
    options,
    record: (kind, _, b) => {
      if (kind === wanted && (port === undefined || (b & NUMBER_MASK) === port)) hit = ++seen >= nth;
    },
    after: () => {
      const stops = hit;
      hit = false;
      return stops;
    },
  };
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string')
    throw new TypeError(`${name} must be a string, got ${JSON.stringify(value)}`);
}

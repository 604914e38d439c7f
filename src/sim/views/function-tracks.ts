import { ProbeKind } from '../../kernel/index.ts';
import type { LogRecord, Timeline, TimelineTrack } from '../../trace/index.ts';
import { type LogNames, PF } from './log-names.ts';

/** The tracks of a function. */
interface TracksOfOne {
  readonly messages: TimelineTrack;
  readonly handling: TimelineTrack;
  readonly registers: TimelineTrack;
}

/** An interrupt message whose cause software has not unmasked again. */
interface Handling {
  readonly fn: number;
  readonly cause: number;
  readonly timePs: number;
}

/**
 * Tracks of interrupts, and of the software of host and guests: the registers that it accesses, at the instant when the card
 * sees that, and the time from an interrupt message that has masked its cause until software unmasks it again.
 */
export class FunctionTracks {
  private readonly timeline: Timeline;
  private readonly names: LogNames;
  private readonly functions: TracksOfOne[] = [];
  private readonly interrupts: TimelineTrack;
  private readonly owners = new Map<string | null, TimelineTrack>();
  private readonly others: TimelineTrack;
  /** Causes that their messages mask (EIAM, VTEIAM), a word a function. */
  private readonly autoMask: number[] = [];
  private open: readonly Handling[] = [];

  constructor(timeline: Timeline, root: TimelineTrack, names: LogNames) {
    this.timeline = timeline;
    this.names = names;
    const { guests, nic } = names.scenario;
    this.interrupts = timeline.track('interrupts', { parent: root });
    const software = timeline.track('guests', { parent: root });
    for (const owner of [null, ...guests.map(({ name }) => name)])
      this.owners.set(
        owner,
        timeline.track(owner === null ? 'host' : `guest ${owner}`, { parent: software }),
      );
    for (let fn = 0; fn <= nic.vfs; fn++) this.of(fn);
    this.others = timeline.track('registers of other functions', { parent: software });
  }

  /** Takes the next record of a log. */
  add({ timePs, kind, a, b, c }: LogRecord): void {
    if (kind === ProbeKind.INTERRUPT) this.interrupt(timePs, a, b, c);
    else if (kind === ProbeKind.REGISTER_READ || kind === ProbeKind.REGISTER_WRITE) {
      const isWrite = kind === ProbeKind.REGISTER_WRITE;
      const name = this.registerName(a, b);
      const fn = this.names.functionOf(a & 0xffff);
      const track = fn < 0 ? this.others : this.of(fn).registers;
      this.timeline.instant(track, timePs, `${isWrite ? 'write' : 'read'} ${name}`, {
        value: `0x${(c >>> 0).toString(16)}`,
      });
      if (!isWrite) return;
      if (name === 'EIMS' || name === 'VTEIMS') this.unmasked(timePs, fn, c);
      else if (name === 'EIAM' || name === 'VTEIAM') this.autoMask[fn] = c;
    }
  }

  /** The log has ended: what is still masked has not been handled in it. */
  end(endPs: number): void {
    for (const each of this.open) this.handled(each, endPs);
  }

  private interrupt(timePs: number, fn: number, cause: number, data: number): void {
    this.timeline.instant(this.of(fn).messages, timePs, `cause ${cause}`, {
      data: `0x${(data >>> 0).toString(16)}`,
    });
    if ((((this.autoMask[fn] ?? 0) >>> cause) & 1) === 0) return;
    // It was unmasked by other means, such as a reset.
    this.close(timePs, (each) => each.fn === fn && each.cause === cause);
    this.open = [...this.open, { fn, cause, timePs }];
  }

  private unmasked(timePs: number, fn: number, mask: number): void {
    this.close(timePs, (each) => each.fn === fn && ((mask >>> each.cause) & 1) !== 0);
  }

  private close(timePs: number, isDone: (each: Handling) => boolean): void {
    for (const each of this.open.filter(isDone)) this.handled(each, timePs);
    this.open = this.open.filter((each) => !isDone(each));
  }

  private handled({ fn, cause, timePs }: Handling, endPs: number): void {
    this.timeline.slice(this.of(fn).handling, timePs, endPs, `cause ${cause}`);
  }

  /** The tracks of a function; there may come to be more than the scenario has. */
  private of(fn: number): TracksOfOne {
    const { timeline, names, functions, interrupts } = this;
    const name = names.functionName(fn);
    const parent = this.owners.get(names.guestOf(fn));
    functions[fn] ??= {
      messages: timeline.track(name, { parent: interrupts }),
      handling: timeline.track(`${name} interrupts until unmasked`, { parent }),
      registers: timeline.track(`${name} registers`, { parent }),
    };
    return functions[fn];
  }

  private registerName(a: number, offset: number): string {
    const { names } = this;
    const hit = names.queueRegister(a, offset);
    if (hit === null) return names.registerName(a, offset);
    const index = names.functionOf(a & 0xffff) === PF ? hit.queue : names.queueInPool(hit.queue);
    return `${names.queueRegisterName(hit)}[${index}]`;
  }
}

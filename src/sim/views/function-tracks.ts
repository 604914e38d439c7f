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
  private readonly functions: readonly TracksOfOne[];
  private readonly others: TimelineTrack;
  /** Causes that their messages mask (EIAM, VTEIAM), a word a function. */
  private readonly autoMask: number[];
  private open: readonly Handling[] = [];

  constructor(timeline: Timeline, root: TimelineTrack, names: LogNames) {
    this.timeline = timeline;
    this.names = names;
    const { guests, nic } = names.scenario;
    const interrupts = timeline.track('interrupts', { parent: root });
    const software = timeline.track('guests', { parent: root });
    const owners = new Map<string | null, TimelineTrack>();
    for (const owner of [null, ...guests.map(({ name }) => name)])
      owners.set(owner, timeline.track(owner === null ? 'host' : `guest ${owner}`, { parent: software }));
    this.functions = Array.from({ length: 1 + nic.vfs }, (_, fn) => {
      const name = names.functionName(fn);
      const parent = owners.get(names.guestOf(fn));
      return {
        messages: timeline.track(name, { parent: interrupts }),
        handling: timeline.track(`${name} interrupts until unmasked`, { parent }),
        registers: timeline.track(`${name} registers`, { parent }),
      };
    });
    this.autoMask = this.functions.map(() => 0);
    this.others = timeline.track('registers of other functions', { parent: software });
  }

  /** Takes the next record of a log. */
  add({ timePs, kind, a, b, c }: LogRecord): void {
    if (kind === ProbeKind.INTERRUPT) this.interrupt(timePs, a, b, c);
    else if (kind === ProbeKind.REGISTER_READ || kind === ProbeKind.REGISTER_WRITE) {
      const isWrite = kind === ProbeKind.REGISTER_WRITE;
      const name = this.registerName(a, b);
      const fn = this.names.functionOf(a & 0xffff);
      const track = this.functions[fn]?.registers ?? this.others;
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
    const tracks = this.functions[fn];
    if (tracks === undefined) return;
    this.timeline.instant(tracks.messages, timePs, `cause ${cause}`, {
      data: `0x${(data >>> 0).toString(16)}`,
    });
    if (((this.autoMask[fn] >>> cause) & 1) === 0) return;
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
    this.timeline.slice(this.functions[fn].handling, timePs, endPs, `cause ${cause}`);
  }

  private registerName(a: number, offset: number): string {
    const { names } = this;
    const hit = names.queueRegister(a, offset);
    if (hit === null) return names.registerName(a, offset);
    const index = names.functionOf(a & 0xffff) === PF ? hit.queue : names.queueInPool(hit.queue);
    return `${names.queueRegisterName(hit)}[${index}]`;
  }
}

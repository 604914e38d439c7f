import { targetPort } from '../../src/nicswitch/index.ts';
import { Bench, frameBytes, mac, putFrame, STRANGER } from './fixtures.ts';

/**
 * Situations of switch tests that are run on real 82599 cards: virtual machines with a VF each, which receive only
 * or send each frame on, untagged, to an address on the wire; and the counts of frames that are asked for there.
 */
export class Machines {
  readonly bench: Bench;
  private readonly modes: string[];
  private before: [number, number][] = [];

  constructor(modes: readonly ('rxonly' | 'mac')[], filter: boolean) {
    this.bench = new Bench(modes.length);
    this.modes = [...modes];
    const { nicSwitch } = this.bench;
    nicSwitch.setVlanFilter(filter);
    for (let v = 0; v < modes.length; v++) nicSwitch.setTagStrip(v, true);
    this.mark();
  }

  setMode(v: number, mode: 'rxonly' | 'mac'): void {
    this.modes[v] = mode;
  }

  fromWire(to: number, count: number, tci?: number): void {
    for (let i = 0; i < count; i++) this.send(this.bench.wire, to, tci);
  }

  fromVf(v: number, to: number, count: number): void {
    for (let i = 0; i < count; i++) this.send(v, to);
  }

  /** Frames that each machine has received/sent since the last call. */
  counts(): string {
    const before = this.before;
    this.mark();
    return this.before.map(([rx, tx], v) => `${rx - before[v][0]}/${tx - before[v][1]}`).join(' ');
  }

  private send(ingress: number, to: number, tci?: number): void {
    const { nicSwitch, frames } = this.bench;
    const waiting: [number, number, number | undefined][] = [[ingress, to, tci]];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [from, destination, tag] = next;
      const source = from === this.bench.wire ? STRANGER : mac(from);
      const slot = putFrame(frames, frameBytes({ to: destination, from: source, tci: tag }));
      const count = nicSwitch.route(slot, from);
      for (const target of nicSwitch.targets.slice(0, count)) {
        frames.release(slot);
        const port = targetPort(target);
        if (port !== this.bench.wire && this.modes[port] === 'mac') waiting.push([port, STRANGER, undefined]);
      }
    }
    nicSwitch.checkBalance();
  }

  private mark(): void {
    this.before = this.modes.map((_, v) => {
      const { framesOut, framesIn } = this.bench.nicSwitch.portCounters(v);
      return [framesOut, framesIn];
    });
  }
}

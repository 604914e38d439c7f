import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { entrySlot, NicSwitch, tagOperation } from '../../src/nicswitch/index.ts';
import { mac, putFrame, written } from './fixtures.ts';
import { type Change, change, traffic } from './random-traffic.ts';
import { decide, newConfig, type ReferenceConfig, type ReferenceFrame } from './reference-switch.ts';
import { hex } from './reference-tags.ts';

const VPORTS = 4;
const RUNS = process.env['SRIOVSIM_LONG'] ? 5_000 : 300;
/** A long run takes minutes. */
const TIMEOUT_MS = 900_000;
/** Beyond what is offered at a time: what is lost is not lost for want of room. */
const ENTRIES = 512;

interface Round {
  sent: { frame: ReferenceFrame; ingress: number }[];
  /** Frames taken from each port before the change, so that some wait while it is made. */
  burst: number;
  changes: Change[];
}

const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    sent: fc.array(traffic(VPORTS), { maxLength: 16 }),
    burst: fc.integer({ min: 1, max: 4 }),
    changes: fc.array(change(VPORTS), { minLength: 1, maxLength: 10 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** A frame that waits in an input queue, and the configuration under which it came there. */
interface Waiting {
  frame: ReferenceFrame;
  slot: number;
  offeredUnder: number;
}

/** Who gets the frame, in one line. */
function receiversUnder(config: ReferenceConfig, frame: ReferenceFrame, ingress: number): string {
  const { receivers, mirrored = [] } = decide(config, frame, ingress);
  return [...receivers, ...mirrored]
    .map(({ port, bytes }) => `${port} ${bytes}`)
    .sort()
    .join(', ');
}

/** A switch under load, and beside it every configuration that it has had. */
class LoadedSwitch {
  readonly frames = new FramePool({ slots: 2048, slotBytes: 2048 });
  readonly nicSwitch = new NicSwitch({ frames: this.frames, vports: VPORTS, queueEntries: ENTRIES });
  readonly configs: ReferenceConfig[] = [newConfig(VPORTS)];
  readonly waiting: Waiting[][] = Array.from({ length: VPORTS + 1 }, () => []);
  /** Frames that two configurations in force while they waited would treat differently, and alike. */
  readonly seen = { apart: 0, alike: 0 };

  constructor() {
    for (let v = 0; v < VPORTS; v++) {
      this.nicSwitch.setVPortEnabled(v, true, true);
      this.nicSwitch.addMac(v, mac(v));
      const vport = this.configs[0].vports[v];
      vport.rx = true;
      vport.tx = true;
      vport.macs.add(mac(v));
    }
  }

  offer({ frame, ingress }: Round['sent'][number]): void {
    const slot = putFrame(this.frames, frame.bytes, frame.tci);
    expect(this.nicSwitch.input.push(ingress, slot)).toBe(true);
    this.waiting[ingress].push({ frame, slot, offeredUnder: this.configs.length - 1 });
  }

  reconfigure(changes: Change[]): void {
    const config = structuredClone(this.configs[this.configs.length - 1]);
    for (const { apply } of changes) apply(this.nicSwitch, config);
    this.configs.push(config);
  }

  /** Forwards, and holds each frame that was taken against the reference. */
  forward(burst: number): number {
    const { nicSwitch, frames } = this;
    const before = this.waiting.map((_, port) => nicSwitch.input.length(port));
    const taken = nicSwitch.forward(burst);
    const received = new Map<number, string[]>();
    for (let port = 0; port <= VPORTS; port++) {
      for (let entry = nicSwitch.output.shift(port); entry >= 0; entry = nicSwitch.output.shift(port)) {
        const slot = entrySlot(entry);
        const list = received.get(slot) ?? [];
        list.push(`${port} ${hex(written(frames, slot, tagOperation(entry)))}`);
        received.set(slot, list);
        frames.release(slot);
      }
    }
    for (let port = 0; port <= VPORTS; port++) {
      const count = before[port] - nicSwitch.input.length(port);
      for (const { frame, slot, offeredUnder } of this.waiting[port].splice(0, count)) {
        const possible = this.configs
          .slice(offeredUnder)
          .map((config) => receiversUnder(config, frame, port));
        const seen = (received.get(slot) ?? []).sort().join(', ');
        // What all configurations agree on is done, once; else what the one in force says.
        if (new Set(possible).size === 1) this.seen.alike++;
        else this.seen.apart++;
        expect(possible).toContain(seen);
        expect(seen).toBe(possible[possible.length - 1]);
        received.delete(slot);
      }
    }
    expect(received.size).toBe(0);
    return taken;
  }
}

describe('reconfiguration while frames wait', () => {
  it(
    'neither loses nor duplicates a frame that the old and the new configuration would deliver',
    () => {
      const seen = { apart: 0, alike: 0 };
      fc.assert(
        fc.property(rounds, (plan) => {
          const loaded = new LoadedSwitch();
          for (const { sent, burst, changes } of plan) {
            for (const one of sent) loaded.offer(one);
            loaded.forward(burst);
            loaded.reconfigure(changes);
          }
          while (loaded.forward(4) > 0);
          expect(loaded.waiting.flat()).toEqual([]);
          loaded.nicSwitch.checkBalance();
          expect(loaded.nicSwitch.dropped('outputFull')).toBe(0);
          expect(loaded.frames.available).toBe(loaded.frames.slots);
          seen.apart += loaded.seen.apart;
          seen.alike += loaded.seen.alike;
        }),
        { numRuns: RUNS },
      );
      // Both cases have come up, and often.
      expect(seen.apart).toBeGreaterThan(RUNS);
      expect(seen.alike).toBeGreaterThan(RUNS);
    },
    TIMEOUT_MS,
  );
});

import type { FrameTemplate } from '../drivers/index.ts';
import { type Scheduler, SECOND, Timer } from '../kernel/index.ts';
import { type CapturePacket, FCS_BYTES, MIN_FRAME_BYTES } from '../wire/index.ts';
import type { TemplateCounter } from './flow-source.ts';
import { type FlowRecord, type FlowTracker, frameHash } from './flow-tracker.ts';
import type { ResolvedCapture } from './scenario-resolved.ts';
import type { FrameSender } from './sender.ts';

/** What a replay is made of. */
export interface CaptureParts {
  readonly scheduler: Scheduler;
  readonly tracker: FlowTracker;
  readonly record: FlowRecord;
  readonly capture: ResolvedCapture;
  readonly packets: readonly CapturePacket[];
  readonly sender: FrameSender;
  readonly endpoint: number;
  readonly templates: TemplateCounter;
  readonly originPs: number;
  /** Nothing is sent from here on. */
  readonly endPs: number;
}

/** Sends a capture again, with its own timing or at a rate. */
export class CaptureSource {
  private readonly parts: CaptureParts;
  private readonly templates: FrameTemplate[];
  private readonly fire: Timer;
  /** From the first frame of a pass to the first of the next, in ps. */
  private readonly passPs: number;
  private index = 0;
  private pass = 0;

  constructor(parts: CaptureParts) {
    this.parts = parts;
    this.templates = parts.packets.map(({ bytes }) => makeTemplate(parts.templates.take(), bytes));
    const { packets } = parts;
    const lastPs = packets.length > 0 ? packets[packets.length - 1].timePs : 0;
    // A pass follows the last frame after as long as, on average, one frame follows another.
    this.passPs = packets.length > 1 ? lastPs + Math.round(lastPs / (packets.length - 1)) : SECOND / 1000;
    this.fire = new Timer(parts.scheduler, `capture.${parts.capture.file}`, () => this.send());
    if (packets.length > 0) this.scheduleNext();
  }

  private send(): void {
    const { tracker, record, sender, endpoint, scheduler, capture } = this.parts;
    const template = this.templates[this.index];
    const sequence = tracker.offer(endpoint, record, template.bytes, scheduler.now);
    tracker.noteCaptured(record, sequence, frameHash(template.words, 0, template.bytes));
    if (!sender.send(template, sequence)) tracker.endpoints[endpoint].notSent++;
    if (++this.index === this.templates.length) {
      this.index = 0;
      if (++this.pass === capture.loop) return;
    }
    this.scheduleNext();
  }

  private scheduleNext(): void {
    const { capture, packets, originPs, endPs, scheduler } = this.parts;
    const { timing } = capture;
    const offset =
      timing.kind === 'rate'
        ? ((this.pass * packets.length + this.index) * SECOND) / timing.framesPerSecond
        : (this.pass * this.passPs + packets[this.index].timePs) / timing.speedup;
    const due = Math.max(scheduler.now, originPs + capture.startPs + Math.round(offset));
    if (due < endPs) this.fire.scheduleAt(due);
  }
}

function makeTemplate(id: number, bytes: Uint8Array): FrameTemplate {
  // Short frames are padded by whoever sends them (IEEE 802.3 4.2.3.3).
  const length = Math.max(MIN_FRAME_BYTES - FCS_BYTES, bytes.length);
  const words = new Int32Array(Math.ceil(length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return { id, words, bytes: length, sequenceWord: -1 };
}

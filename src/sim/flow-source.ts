import type { RandomStream } from '../base/index.ts';
import type { FrameTemplate, QueuePair } from '../drivers/index.ts';
import { type Scheduler, SECOND, Timer } from '../kernel/index.ts';
import { buildTestFrame, Ecn, FCS_BYTES, parseMac, stampOffset } from '../wire/index.ts';
import type { FlowRecord, FlowTracker } from './flow-tracker.ts';
import type { ResolvedFlow } from './scenario-resolved.ts';
import type { FrameSender, FrameSource } from './sender.ts';

/** Gives templates their numbers. */
export class TemplateCounter {
  private next = 0;

  take(): number {
    return this.next++;
  }
}

/** What a flow is made of. */
export interface FlowParts {
  readonly scheduler: Scheduler;
  readonly tracker: FlowTracker;
  readonly record: FlowRecord;
  readonly flow: ResolvedFlow;
  readonly sender: FrameSender;
  /** Number of the sending endpoint at the tracker. */
  readonly endpoint: number;
  readonly random: RandomStream;
  readonly templates: TemplateCounter;
  /** When the run's own time begins. */
  readonly originPs: number;
}

/** One traffic entry: offers its frames at their times, or keeps its sender busy. */
export class FlowSource implements FrameSource {
  private readonly parts: FlowParts;
  private readonly bySize = new Map<number, FrameTemplate>();
  private readonly fire: Timer;
  private readonly startPs: number;
  private readonly stopPs: number;
  /** Frames that it offers at most. */
  private readonly limit: number;
  /** The template of a flow whose frames have one size, once it is made. */
  private only: FrameTemplate | null = null;
  // Of the parts, what every frame needs.
  private readonly scheduler: Scheduler;
  private readonly tracker: FlowTracker;
  private readonly record: FlowRecord;
  private readonly endpoint: number;
  /** Cumulative weights of a mix, and its sizes. */
  private readonly weights: number[] = [];
  private count = 0;
  private template: FrameTemplate | null = null;

  constructor(parts: FlowParts) {
    this.parts = parts;
    const { flow, originPs, scheduler } = parts;
    this.startPs = originPs + flow.startPs;
    this.stopPs = originPs + flow.stopPs;
    this.limit = flow.count ?? Number.POSITIVE_INFINITY;
    this.scheduler = scheduler;
    this.tracker = parts.tracker;
    this.record = parts.record;
    this.endpoint = parts.endpoint;
    if (flow.sizes.kind === 'mix') {
      let sum = 0;
      for (const { weight } of flow.sizes.sizes) {
        sum += weight;
        this.weights.push(sum);
      }
    }
    this.fire = new Timer(scheduler, `flow.${flow.name}`, () => this.offer());
    this.fire.scheduleAt(
      this.startPs + (flow.rate.kind === 'rate' && flow.rate.arrivals === 'poisson' ? this.gap() : 0),
    );
  }

  /** Priority of its frames. */
  get priority(): number {
    return this.parts.flow.priority ?? 0;
  }

  next(): FrameTemplate | null {
    if (this.scheduler.now >= this.stopPs || this.count >= this.limit) {
      this.parts.sender.removeSource(this);
      return null;
    }
    this.template = this.only ?? this.pickTemplate();
    return this.template;
  }

  sequence(timePs: number): number {
    this.count++;
    const { bytes } = this.template as FrameTemplate;
    return this.tracker.offer(this.endpoint, this.record, bytes, timePs);
  }

  fill(queue: QueuePair, budget: number, timePs: number, spacingPs: number): number {
    let count = 0;
    while (count < budget) {
      const template = this.next();
      if (template === null) break;
      const time = timePs + count * spacingPs;
      if (this.only === null) {
        queue.post(template, this.sequence(time));
        count++;
        continue;
      }
      // All alike, and no time passes meanwhile: all at once.
      const { bytes } = template;
      const alike = Math.min(budget - count, this.limit - this.count) | 0;
      const first = this.tracker.offer(this.endpoint, this.record, bytes, time, spacingPs, alike);
      queue.postSeveral(template, first, alike);
      this.count += alike;
      count += alike;
    }
    return count;
  }

  /** A frame of a rate is due; or a saturating flow begins. */
  private offer(): void {
    const { flow, sender, tracker, endpoint } = this.parts;
    if (flow.rate.kind === 'saturate') {
      sender.addSource(this);
      return;
    }
    const template = this.next();
    if (template === null) return;
    const sequence = this.sequence(this.parts.scheduler.now);
    if (!sender.send(template, sequence)) tracker.endpoints[endpoint].notSent++;
    const due =
      flow.rate.arrivals === 'poisson'
        ? this.parts.scheduler.now + this.gap()
        : // From the start, not from the last frame: the rate is exact over any time.
          this.startPs + Math.round((this.count * SECOND) / flow.rate.framesPerSecond);
    if (due < this.stopPs) this.fire.scheduleAt(due);
  }

  private gap(): number {
    const { flow, random } = this.parts;
    if (flow.rate.kind !== 'rate') return 0;
    return Math.max(1, Math.round(random.exponential(SECOND / flow.rate.framesPerSecond)));
  }

  private pickTemplate(): FrameTemplate {
    const { flow, random } = this.parts;
    const { sizes } = flow;
    let bytes: number;
    if (sizes.kind === 'uniform') {
      bytes = sizes.min + random.integer(sizes.max - sizes.min + 1);
    } else if (sizes.sizes.length === 1) {
      this.only = this.makeTemplate(sizes.sizes[0].bytes);
      return this.only;
    } else {
      const at = random.float() * this.weights[this.weights.length - 1];
      let i = 0;
      while (at >= this.weights[i]) i++;
      bytes = sizes.sizes[i].bytes;
    }
    return this.bySize.get(bytes) ?? this.makeTemplate(bytes);
  }

  private makeTemplate(frameBytes: number): FrameTemplate {
    const { flow, record, templates } = this.parts;
    const tagged = flow.vlan !== null || flow.priority !== null;
    const words = new Int32Array(Math.ceil((frameBytes - FCS_BYTES) / 4));
    const bytes = new Uint8Array(frameBytes + 4);
    const length = buildTestFrame(
      {
        destination: parseMac(flow.destinationMac),
        source: parseMac(flow.sourceMac),
        vlan: tagged ? { id: flow.vlan ?? 0, priority: flow.priority ?? 0 } : undefined,
        flow: record.index,
        ecn: flow.ecn === undefined ? Ecn.NOT_ECT : flow.ecn === 'ect0' ? Ecn.ECT0 : Ecn.ECT1,
        frameBytes,
      },
      bytes,
      0,
    );
    new Uint8Array(words.buffer).set(bytes.subarray(0, length));
    const sequenceWord = (stampOffset(tagged) + 2) / 4 + 1;
    const template = { id: templates.take(), words, bytes: length, sequenceWord };
    this.bySize.set(frameBytes, template);
    return template;
  }
}

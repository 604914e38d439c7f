import { type RandomStream, RandomStreams, SparseMemory, wordStore } from '../../base/index.ts';
import {
  Iommu,
  type IommuProfile,
  OrderedTranslations,
  RootTable,
  SecondStageTable,
} from '../../iommu/index.ts';
import { Probe, Scheduler } from '../../kernel/index.ts';
import {
  type AddressTranslator,
  type ForwardingTiming,
  flitModeOf,
  INFINITE_CREDITS,
  type LinkRate,
  LinkSwitch,
  type MemoryRequest,
  PcieLink,
  Requester,
  RootPort,
  SWITCH_CREDITS,
  TlpPool,
} from '../../pcie/index.ts';
import type { DmaDeviceProfile, HostProfile } from '../../profiles/index.ts';

/** A device that reads and writes at random places of a window of a host's memory. */
export interface DmaRigOptions {
  readonly host: HostProfile;
  readonly device: DmaDeviceProfile;
  readonly rate: LinkRate;
  readonly mps: number;
  readonly mrrs: number;
  readonly rcb: number;
  /** Whether the host's caches hold the window. */
  readonly cached: boolean;
  /** Null for a host that does not translate. */
  readonly iommu: IommuProfile | null;
  /** Pages that the window is mapped with: 4 KiB, 2 MiB or 1 GiB. */
  readonly pageBytes: number;
  readonly windowBytes: number;
  readonly direction: 'read' | 'write';
  /** Bytes of each transfer, which begins with a cache line. */
  readonly size: number;
  readonly seed: number;
  /** A switch between the device and the root port; null for none. Default none. */
  readonly switchTiming?: ForwardingTiming | null;
}

/** What a device carried, and what became of its addresses. */
export interface DmaThroughput {
  readonly gbps: number;
  /** Share of the look-ups that the IOTLB answered; null without IOMMU. */
  readonly hitRate: number | null;
}

const FUNCTION = 0x0100;
const TLPS = 1 << 12;
const CACHE_LINE_BYTES = 64;
/** Above 4 GiB: headers of four double words. */
const WINDOW = 2 ** 32;
/** Page tables lie from here on, apart from what is read and written. */
const TABLES = 2 ** 31;
/** More than what is under way takes. */
const TAGS = 512;

/** A device at a root port, as measurements of DMA have it: link, IOMMU with tables in memory, memory. */
export class DmaRig {
  private readonly scheduler = new Scheduler();
  private readonly link: PcieLink;
  private readonly requester: Requester;
  private readonly iommu: Iommu | null;
  private readonly random: RandomStream;
  /** Places at which a transfer can begin. */
  private readonly places: number;
  private readonly placeBytes: number;
  /** From the arrival of a read's last byte until its data is where the program finds it. */
  private readonly receivePs: number;
  private readonly request: MemoryRequest;
  private readonly moved: number;
  /** Reads under way, oldest first: trains of each that have not ended, by place in a ring. */
  private readonly trains: Int32Array;
  private oldest = 0;
  private next = 0;
  /** When the data of the last read was there. */
  private movedPs = 0;
  private isLoaded = false;
  private readonly isWriting: boolean;

  /** @throws RangeError if no transfer fits into the window. */
  constructor(options: DmaRigOptions) {
    const { host, device, mps, size, windowBytes } = options;
    this.isWriting = options.direction === 'write';
    this.trains = new Int32Array(device.readsUnderWay);
    const streams = new RandomStreams(options.seed);
    this.random = streams.stream('places');
    this.placeBytes = Math.ceil(size / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
    this.places = Math.floor(windowBytes / this.placeBytes);
    if (this.places === 0)
      throw new RangeError(`windowBytes must be at least ${this.placeBytes}, got ${windowBytes}`);
    this.receivePs = Math.round(device.receivePsPerByte * Math.min(size, mps) + device.movePsPerByte * size);
    const { scheduler } = this;
    const probe = new Probe(scheduler);
    const tlps = new TlpPool(TLPS);
    const memory = new SparseMemory();
    this.iommu =
      options.iommu === null ? null : this.mapped(memory, options.iommu, streams.stream('iommu'), options);
    const { switchTiming = null } = options;
    const link = {
      rate: options.rate,
      ...flitModeOf(options.rate.generation),
      // Half at each end; a switch's own part is in its latency.
      flightPs: switchTiming === null ? host.linkFlightPs : host.linkFlightPs / 2,
      maxPayloadBytes: mps,
      deviceCredits: INFINITE_CREDITS,
      rootCredits: host.rootCredits,
    };
    this.link = new PcieLink('link', scheduler, probe, tlps, link);
    const upper =
      switchTiming === null
        ? this.link
        : new PcieLink('upper link', scheduler, probe, tlps, { ...link, deviceCredits: SWITCH_CREDITS });
    const port = new RootPort(
      'root port',
      scheduler,
      upper,
      tlps,
      memory,
      this.iommu === null ? UNTRANSLATED : new OrderedTranslations(this.iommu, host.translationsAhead, TLPS),
      { message: () => {} },
      {
        memoryReadPs: options.cached ? host.memoryReadPs : host.uncachedReadPs,
        maxPayloadBytes: mps,
        readCompletionBoundary: options.rcb,
        isMemory: () => true,
      },
      () => {},
    );
    this.requester = new Requester(
      'device',
      this.link.upstream,
      tlps,
      wordStore(new ArrayBuffer(this.placeBytes)),
      {
        tags: TAGS,
        maxPayloadBytes: mps,
        maxReadRequestBytes: options.mrrs,
      },
    );
    port.connect(this.requester);
    this.link.downstream.receiver = { receive: (tlp) => this.requester.complete(tlp) };
    if (switchTiming !== null) new LinkSwitch('switch', scheduler, tlps, upper, this.link, switchTiming);
    this.moved = scheduler.task('device.moved', (place) => this.endTrain(place));
    const client = this.requester.addClient({
      readDone: (place) => scheduler.schedule(this.receivePs, this.moved, place, 0),
      writeDone: () => {},
      requesterReady: () => this.issue(),
    });
    this.request = {
      routingId: FUNCTION,
      address: WINDOW,
      bytes: size,
      offset: 0,
      client,
      cookie: 0,
      headBytes: 0,
      skipBytes: 0,
      inserts: 0,
      insert: 0,
    };
  }

  /**
   * Times of `count` reads, one after the other, in ns: from a read's issue until its data is there. `warmUp` reads before
   * them are left out.
   */
  latencies(count: number, warmUp = 0): number[] {
    const { scheduler } = this;
    const times: number[] = [];
    for (let i = -warmUp; i < count; i++) {
      const start = scheduler.now;
      this.read();
      scheduler.runUntilIdle();
      if (i >= 0) times.push((this.movedPs - start) / 1000);
    }
    return times;
  }

  /** What the device carries while it always has more to do, over `measuredPs` after `warmUpPs`. */
  throughput(warmUpPs: number, measuredPs: number): DmaThroughput {
    const { scheduler, iommu, link } = this;
    this.isLoaded = true;
    this.issue();
    scheduler.runUntil(scheduler.now + warmUpPs);
    const carried = () => link.upstream.payloadBytes + link.downstream.payloadBytes;
    const bytes = carried();
    const before = iommu?.counters();
    scheduler.runUntil(scheduler.now + measuredPs);
    const after = iommu?.counters();
    const gbps = ((carried() - bytes) * 8000) / measuredPs;
    if (before === undefined || after === undefined) return { gbps, hitRate: null };
    return { gbps, hitRate: (after.hits - before.hits) / (after.lookups - before.lookups) };
  }

  /** Issues as much as the device keeps under way. */
  private issue(): void {
    if (!this.isLoaded) return;
    const { requester, request, trains } = this;
    if (this.isWriting) {
      while (requester.canWrite()) {
        request.address = this.anywhere();
        requester.write(request);
      }
      return;
    }
    while (this.next - this.oldest < trains.length && requester.canRead(request.bytes)) this.read();
  }

  private read(): void {
    const { request, trains } = this;
    const place = this.next++ % trains.length;
    request.address = this.anywhere();
    request.cookie = place;
    trains[place] = this.requester.read(request);
  }

  /** A train's data is where the program finds it. Reads end in order. */
  private endTrain(place: number): void {
    const { trains } = this;
    this.movedPs = this.scheduler.now;
    trains[place]--;
    while (this.oldest < this.next && trains[this.oldest % trains.length] === 0) {
      this.oldest++;
    }
    this.issue();
  }

  private anywhere(): number {
    return WINDOW + this.random.integer(this.places) * this.placeBytes;
  }

  /** An IOMMU with tables for the window. */
  private mapped(
    memory: SparseMemory,
    profile: IommuProfile,
    random: RandomStream,
    options: DmaRigOptions,
  ): Iommu {
    const { windowBytes, pageBytes } = options;
    let free = TABLES;
    const allocatePage = () => {
      free += 4096;
      return free;
    };
    const roots = new RootTable({ memory, allocatePage });
    const table = new SecondStageTable({ memory, allocatePage, levels: 4 });
    for (let at = 0; at < windowBytes; at += pageBytes) {
      table.map(WINDOW + at, 0, pageBytes, { read: true, write: true, pageBytes });
    }
    roots.setContext(FUNCTION, { domain: 1, root: table.root, levels: table.levels });
    return new Iommu({ memory, scheduler: this.scheduler, profile, rootTable: roots.address, random });
  }
}

/** Memory as it is. */
const UNTRANSLATED: AddressTranslator = {
  lookup: (_, address) => address,
  foresee: () => true,
  walk: () => {},
};

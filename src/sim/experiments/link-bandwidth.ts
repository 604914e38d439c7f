import { SparseMemory, wordStore } from '../../base/index.ts';
import { Probe, Scheduler } from '../../kernel/index.ts';
import {
  flitModeOf,
  INFINITE_CREDITS,
  type LinkRate,
  type MemoryRequest,
  PcieLink,
  Requester,
  RootPort,
  TlpPool,
} from '../../pcie/index.ts';
import { ArrivalMeter } from './arrival-meter.ts';

/** What crosses the link: a device's writes, its reads, or as many of each. */
export type Traffic = 'write' | 'read' | 'readwrite';

/** A link under load. */
export interface LinkLoad {
  readonly rate: LinkRate;
  readonly mps: number;
  readonly mrrs: number;
  readonly rcb: number;
  /** Bytes of each transfer; each begins with a page. */
  readonly size: number;
  readonly traffic: Traffic;
  /** Transfers begin above 4 GiB: headers of four double words. */
  readonly wideAddresses: boolean;
}

const FUNCTION = 0x0100;
const PAGE_BYTES = 4096;
/** The device goes round in so many bytes of memory. */
const AREA_BYTES = 1 << 24;
const WIDE_BASE = 2 ** 32;
/** Tags and credits do not bound it, so neither do these times of the host profile. */
const FLIGHT_PS = 150_000;
const MEMORY_READ_PS = 220_000;
const TAGS = 4096;
/** In Flit Mode tags have 14 bits. */
const FLIT_TAGS = 1 << 13;
const WARM_UP_PS = 20_000_000;
/** At least. */
const MEASURED_PS = 100_000_000;
const STEP_PS = 10_000_000;

/**
 * Payload that the simulated link carries, in Gb/s a direction: a device that always has more to send, a root port with memory, no
 * translation, credits without end. What is left is the link: headers, framing, Acks, UpdateFCs and SKIPs.
 */
export function measureLink(load: LinkLoad): number {
  const scheduler = new Scheduler();
  const probe = new Probe(scheduler);
  const tlps = new TlpPool(1 << 14);
  const link = new PcieLink('link', scheduler, probe, tlps, {
    rate: load.rate,
    ...flitModeOf(load.rate.generation),
    flightPs: FLIGHT_PS,
    maxPayloadBytes: load.mps,
    deviceCredits: INFINITE_CREDITS,
    rootCredits: INFINITE_CREDITS,
  });
  const port = new RootPort(
    'root port',
    scheduler,
    link,
    tlps,
    new SparseMemory(),
    { lookup: (_, address) => address, foresee: () => true, walk: () => {} },
    { message: () => {} },
    {
      memoryReadPs: MEMORY_READ_PS,
      maxPayloadBytes: load.mps,
      readCompletionBoundary: load.rcb,
      isMemory: () => true,
    },
    () => {},
  );
  const requester = new Requester('device', link.upstream, tlps, wordStore(new ArrayBuffer(load.size + 4)), {
    tags: load.rate.generation > 5 ? FLIT_TAGS : TAGS,
    maxPayloadBytes: load.mps,
    maxReadRequestBytes: load.mrrs,
  });
  port.connect(requester);
  link.downstream.receiver = { receive: (tlp) => requester.complete(tlp) };
  const { traffic, size } = load;
  const meters = {
    read: new ArrivalMeter(WARM_UP_PS, MEASURED_PS),
    write: new ArrivalMeter(WARM_UP_PS, MEASURED_PS),
  };
  const used = traffic === 'readwrite' ? [meters.read, meters.write] : [meters[traffic]];
  keepBusy(requester, load, (kind) => meters[kind].arrived(scheduler.now));
  while (!used.every(({ isDone }) => isDone)) scheduler.runUntil(scheduler.now + STEP_PS);
  return used.reduce((sum, meter) => sum + meter.gbps(size), 0) / used.length;
}

/** Has a requester issue transfers whenever it can. @param arrived told of each that has come whole. */
function keepBusy(
  requester: Requester,
  { size, traffic, wideAddresses }: LinkLoad,
  arrived: (kind: 'read' | 'write') => void,
): void {
  const step = Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
  const base = wideAddresses ? WIDE_BASE : 0;
  const request: MemoryRequest = {
    routingId: FUNCTION,
    address: base,
    bytes: size,
    offset: 0,
    client: 0,
    cookie: 0,
    headBytes: 0,
    skipBytes: 0,
    inserts: 0,
    insert: 0,
  };
  let at = 0;
  // A transfer goes in trains, each the same number, as each begins with a page; they come in their order.
  const trains = { read: 0, write: 0 };
  const come = { read: 0, write: 0 };
  const done = (kind: 'read' | 'write') => {
    if (++come[kind] % trains[kind] === 0) arrived(kind);
  };
  const issue = () => {
    for (;;) {
      if (traffic !== 'write' && !requester.canRead(size)) return;
      if (traffic !== 'read' && !requester.canWrite()) return;
      request.address = base + at;
      at = at + 2 * step > AREA_BYTES ? 0 : at + step;
      if (traffic !== 'write') trains.read = requester.read(request);
      if (traffic !== 'read') trains.write = requester.write(request);
    }
  };
  request.client = requester.addClient({
    readDone: () => done('read'),
    writeDone: () => done('write'),
    requesterReady: issue,
  });
  issue();
}

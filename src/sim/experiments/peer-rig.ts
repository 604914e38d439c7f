import { Scheduler } from '../../kernel/index.ts';
import {
  AcsService,
  allEnumerated,
  ECAP_ACS,
  Endpoint,
  enumerate,
  type FabricOutcome,
  type ForwardingTiming,
  type LinkRate,
  PcieFabric,
  type PcieFunction,
  PcieHierarchy,
  PcieSwitch,
} from '../../pcie/index.ts';
import { intel82599Config } from '../../profiles/intel-82599-config.ts';
import { ArrivalMeter } from './arrival-meter.ts';

/** What of peer-to-peer traffic goes through the root complex. */
export type PeerRedirect = 'off' | 'requests' | 'all';

/** Devices in pairs below one switch, the first of each reading or writing registers of the second. */
export interface PeerRigOptions {
  /** Of all links. */
  readonly rate: LinkRate;
  readonly mps: number;
  readonly mrrs: number;
  readonly switchTiming: ForwardingTiming;
  readonly redirect: PeerRedirect;
  readonly pairs: number;
  readonly tags: number;
  readonly kind: 'read' | 'write';
  /** Bytes of each transfer, which begins with a BAR. */
  readonly size: number;
}

/** Times of the rig that are no parameters: a read of a device, a turn in the root complex, an end of a link. */
export const PEER_READ_PS = 100_000;
export const ROOT_TURN_PS = 150_000;
export const LINK_END_PS = 75_000;

const MEMORY32 = { base: 0xc000_0000, bytes: 0x2000_0000 };
/** Bytes of transfers that are kept under way: more than any way holds. */
const UNDER_WAY_BYTES = 1 << 17;
const MOST_UNDER_WAY = 512;
/** A rhythm of more is not waited for. */
const RHYTHM_BYTES = 1 << 24;
const STEP_PS = 5_000_000;
const { requestRedirect, completionRedirect, upstreamForwarding } = AcsService;

/** Measures what goes from device to device. */
export class PeerRig {
  private readonly scheduler = new Scheduler();
  private readonly fabric: PcieFabric;
  private readonly devices: readonly PcieFunction[];
  private readonly options: PeerRigOptions;

  constructor(options: PeerRigOptions) {
    this.options = options;
    const hierarchy = new PcieHierarchy({ rootPorts: [{}] });
    const pcieSwitch = new PcieSwitch({ ports: Array.from({ length: 2 * options.pairs }, () => ({})) });
    hierarchy.connect(hierarchy.rootPorts[0], pcieSwitch);
    const cards = pcieSwitch.downstream.map(
      () => new Endpoint({ functions: intel82599Config({ ports: 1 }) }),
    );
    for (const [i, card] of cards.entries()) hierarchy.connect(pcieSwitch.downstream[i], card);
    this.devices = cards.map((card) => card.functions[0]);
    for (const { routingId } of allEnumerated(enumerate(hierarchy, { memory32: MEMORY32 }))) {
      hierarchy.write(routingId, 4, 2, 6);
    }
    const redirected = { off: 0, requests: requestRedirect, all: requestRedirect | completionRedirect };
    for (const { function: fn } of pcieSwitch.downstream) setServices(fn, redirected[options.redirect]);
    setServices(hierarchy.rootPorts[0].function, upstreamForwarding);
    this.fabric = new PcieFabric('fabric', this.scheduler, hierarchy, {
      link: () => ({ rate: options.rate, maxPayloadBytes: options.mps }),
      switchTiming: () => options.switchTiming,
      rootComplex: { latencyPs: ROOT_TURN_PS },
      device: () => ({ readPs: PEER_READ_PS, tags: options.tags, maxReadRequestBytes: options.mrrs }),
    });
  }

  /** Time of one transfer with nothing else under way, in ns. */
  latency(): number {
    let took = Number.NaN;
    this.transfer(0, ({ startPs, endPs }) => {
      took = (endPs - startPs) / 1000;
    });
    this.scheduler.runUntilIdle();
    return took;
  }

  /** Payload that each pair moves while all always have more to do, in Gb/s, measured for at least `measuredPs`. */
  throughput(warmUpPs: number, measuredPs: number): number {
    const { scheduler } = this;
    const { pairs, size, kind, tags, mrrs } = this.options;
    const requests = kind === 'read' ? Math.ceil(size / mrrs) : 1;
    const many = Math.max(
      Math.min(MOST_UNDER_WAY, 1 + Math.ceil(UNDER_WAY_BYTES / size)),
      1 + Math.ceil((kind === 'read' ? tags : 1) / requests),
    );
    // As many requests as there are tags may come together, and nothing till they have gone round.
    const rhythm = kind === 'read' ? tags / commonDivisor(tags, requests) : 1;
    const period = Math.min(rhythm, Math.ceil(RHYTHM_BYTES / size));
    const meters = Array.from({ length: pairs }, () => new ArrivalMeter(warmUpPs, measuredPs, period));
    const again = (pair: number) => {
      this.transfer(pair, () => {
        meters[pair].arrived(scheduler.now);
        again(pair);
      });
    };
    for (let pair = 0; pair < pairs; pair++) for (let i = 0; i < many; i++) again(pair);
    while (!meters.every(({ isDone }) => isDone)) scheduler.runUntil(scheduler.now + STEP_PS);
    return meters.reduce((sum, meter) => sum + meter.gbps(size), 0) / pairs;
  }

  private transfer(pair: number, done: (outcome: FabricOutcome) => void): void {
    const { kind, size } = this.options;
    const from = this.devices[2 * pair];
    const address = this.devices[2 * pair + 1].barBase(0);
    this.fabric.request({ from, kind, address, bytes: size }, done);
  }
}

function setServices(fn: PcieFunction, services: number): void {
  fn.config.write16(fn.findExtendedCapability(ECAP_ACS) + 6, services);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

import { FramePool, type RandomStream, RandomStreams } from 'sriovsim/base';
import { NicSwitch } from 'sriovsim/nicswitch';
import {
  BROADCAST,
  ETHERNET,
  EtherType,
  eChannel,
  FCS_BYTES,
  writeETag,
  writeEthernet,
  writeMac,
  writeVlanTag,
} from 'sriovsim/wire';

/**
 * Where the VLAN of a frame is: nowhere, and no VLAN is filtered; in a tag in its bytes, as a guest puts it; or
 * in a tag beside it, which the switch puts there for the sender and takes off for the receiver.
 */
export type VlanMode = 'none' | 'guest' | 'port';

/** First channel of the VPorts of a port extender, */
const FIRST_CHANNEL = 0x100;
/** and the channel of the group that all of them are in: GRP and base. */
const GROUP = { group: 1, base: 0x55 };

/** Traffic between VPorts, each with its own addresses and all in one VLAN. */
export interface SwitchScenario {
  readonly vports: number;
  /** With frame check sequence, as one counts on the wire; `imix`: 64, 594 and 1,518 bytes as 7 to 4 to 1. */
  readonly frameBytes: number | 'imix';
  readonly macsPerVPort: number;
  readonly broadcastPercent: number;
  readonly antiSpoof: boolean;
  readonly vlan: VlanMode;
  /**
   * A port extender: every second VPort sends to the wire, and in the place of the others the wire sends to
   * VPorts, all with E-Tags; of broadcasts, those from the wire are for the group of all VPorts but their sender.
   * Default false.
   */
  readonly etag?: boolean;
  /** Over the rings of a SharedSwitch. Default false. */
  readonly shared?: boolean;
  /** Other switches that the process has made before. Default 0. */
  readonly switchesBefore?: number;
}

export const HEADLINE: SwitchScenario = {
  vports: 64,
  frameBytes: 64,
  macsPerVPort: 1,
  broadcastPercent: 0,
  antiSpoof: true,
  vlan: 'guest',
};

const VLAN_MODES: readonly VlanMode[] = ['none', 'guest', 'port'];
/** Sizes of twelve frames. */
const IMIX = [64, 64, 594, 64, 64, 594, 1518, 64, 594, 64, 64, 594];

const VLAN = 100;
/** Frames in flight, and switched in a round, however many VPorts there are: the card's buffer has one size. */
export const FRAMES = 2048;
const SLOT_BYTES = 2048;
const MAX_FRAME_BYTES = 1514;

/** A switch with its frames, and what the program in C needs to make the same. */
export class SwitchWork {
  readonly scenario: SwitchScenario;
  readonly frames: FramePool;
  readonly nicSwitch: NicSwitch;
  readonly queueEntries: number;
  /** Frames that each VPort sends in a round. */
  readonly burst: number;
  /** Slots as the VPorts send them: `burst` of VPort 0, and so on; in no order, as a pool in use hands them out. */
  readonly order: Int32Array;
  /** Over all entries of all output queues, in the order of ports; a signed word. */
  checksum = 0;
  private readonly drained: Int32Array;

  constructor(scenario: SwitchScenario) {
    const { broadcastPercent } = scenario;
    const random = new RandomStreams(1).stream('switch');
    const slots = FRAMES;
    this.burst = FRAMES / scenario.vports;
    for (let i = 0; i < (scenario.switchesBefore ?? 0); i++) useAnother();
    this.scenario = scenario;
    this.frames = new FramePool({ slots, slotBytes: SLOT_BYTES });
    // Room for what comes together at a port by chance, and for all of a round where it gathers there.
    const gathers = broadcastPercent > 0 || scenario.etag === true;
    this.queueEntries = Math.max(gathers ? 1024 : 256, 2 * this.burst);
    this.nicSwitch = new NicSwitch({
      frames: this.frames,
      vports: scenario.vports,
      queueEntries: this.queueEntries,
      macFilters: scenario.vports * scenario.macsPerVPort,
    });
    configure(scenario, this.nicSwitch);
    this.order = Int32Array.from({ length: slots }, () => this.frames.take());
    for (let i = slots - 1; i > 0; i--) swap(this.order, i, random.integer(i + 1));
    for (const [i, slot] of this.order.entries()) {
      writeFrame(scenario, this.frames, slot, Math.floor(i / this.burst), random);
    }
    this.drained = new Int32Array(this.queueEntries);
  }

  /** Offers every frame once, switches, drains, `count` times; returns the frames switched. */
  rounds(count: number): number {
    let taken = 0;
    this.checksum = 0;
    for (let round = 0; round < count; round++) taken += this.round();
    return taken;
  }

  /** A function of its own: what is called often is compiled as a whole, a long loop only as it stands. */
  private round(): number {
    const { nicSwitch, order, frames, burst } = this;
    const { input, output, vports, uplink } = nicSwitch;
    const drained = this.drained;
    // Who drained them gives all references back.
    frames.references.fill(1);
    if (this.scenario.etag === true) this.offerETags();
    else for (let vport = 0; vport < vports; vport++) input.pushBurst(vport, order, vport * burst, burst);
    const taken = nicSwitch.forward();
    let sum = this.checksum;
    for (let port = 0; port <= uplink; port++) {
      const given = output.shiftBurst(port, drained);
      for (let i = 0; i < given; i++) sum = (Math.imul(sum, 31) + drained[i]) | 0;
    }
    this.checksum = sum;
    return taken;
  }

  private offerETags(): void {
    const { nicSwitch, order, burst } = this;
    const { input, vports, uplink } = nicSwitch;
    for (let vport = 0; vport < vports; vport++) {
      input.pushBurst(vport % 2 === 0 ? vport : uplink, order, vport * burst, burst);
    }
  }

  /** Frames out and lost at each port, and the E-Tags beside frames, in one number. */
  portsChecksum(): number {
    let sum = countersChecksum(this.nicSwitch);
    if (this.scenario.etag !== true) return sum;
    const { slots, virtualTag, virtualTagExtension } = this.frames;
    for (let slot = 0; slot < slots; slot++) {
      sum = (Math.imul(sum, 31) + virtualTag[slot]) | 0;
      sum = (Math.imul(sum, 31) + virtualTagExtension[slot]) | 0;
    }
    return sum;
  }

  /** All words of frames, which nobody writes. */
  unwritten(): Int32Array {
    return this.frames.i32.slice();
  }

  /** The scenario as the program in C reads it: 32-bit words, then the bytes of the pool. */
  file(): Uint8Array[] {
    const { scenario, frames, order, queueEntries } = this;
    const words = headWords(scenario, this.nicSwitch, { queueEntries });
    return [words, order, frames.lengths, frames.outerTci, frames.u8].map(bytesOf);
  }
}

/** Frames out and lost at each port, in one number. */
export function countersChecksum(nicSwitch: NicSwitch): number {
  let sum = 0;
  for (let port = 0; port <= nicSwitch.uplink; port++) {
    const { framesOut, dropped } = nicSwitch.portCounters(port);
    sum = (Math.imul(sum, 31) + framesOut) | 0;
    sum = (Math.imul(sum, 31) + dropped.outputFull) | 0;
  }
  return sum;
}

/** How large the queues of a switch are, and its rings where it has them. */
export interface Sizes {
  readonly queueEntries: number;
  readonly sendEntries?: number;
  readonly receiveEntries?: number;
  /** Bytes of each frame that goes through rings. */
  readonly sentBytes?: number;
}

/** What a file for the program in C begins with: the switch and its addresses. */
export function headWords(scenario: SwitchScenario, nicSwitch: NicSwitch, sizes: Sizes): Int32Array {
  const { vports, antiSpoof, vlan, etag } = scenario;
  const { sendEntries = 0, receiveEntries = 0, sentBytes = 0 } = sizes;
  const macs: number[] = [];
  eachMac(scenario, (vport, mac) => {
    const bytes = new Uint8Array(8);
    writeMac(bytes, 0, mac);
    const words = new Int32Array(bytes.buffer);
    macs.push(vport, words[0], words[1]);
  });
  const { slots, slotBytes } = nicSwitch.frames;
  const spoof = antiSpoof ? 1 : 0;
  const places = nicSwitch.tables.macs.places.length / 2;
  const first = [vports, slots, slotBytes, sizes.queueEntries, MAX_FRAME_BYTES, FRAMES / vports];
  const rules = [VLAN, spoof, spoof, macs.length / 3, places, VLAN_MODES.indexOf(vlan)];
  const channels = etag === true ? [FIRST_CHANNEL, eChannel(GROUP)] : [0, 0];
  return Int32Array.from([...first, ...rules, ...channels, sendEntries, receiveEntries, sentBytes, ...macs]);
}

export function bytesOf({ buffer, byteOffset, byteLength }: Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Another switch, which has worked enough for its code to be compiled. */
function useAnother(): void {
  const work = new SwitchWork({ ...HEADLINE, vports: 2 });
  work.rounds(5000);
}

/** Gives a switch the VPorts, filters and checks of a scenario. */
export function configure(scenario: SwitchScenario, nicSwitch: NicSwitch): void {
  const { vports, antiSpoof, vlan } = scenario;
  nicSwitch.setVlanFilter(vlan !== 'none');
  for (let vport = 0; vport < vports; vport++) {
    nicSwitch.setVPortEnabled(vport, true, true);
    nicSwitch.addVlan(vport, VLAN);
    if (vlan === 'port') nicSwitch.setPortVlan(vport, VLAN);
    nicSwitch.setAntiSpoof(vport, { mac: antiSpoof, vlan: antiSpoof });
  }
  eachMac(scenario, (vport, mac) => nicSwitch.addMac(vport, mac));
  if (scenario.etag !== true) return;
  nicSwitch.setPortExtender('etag');
  for (let vport = 0; vport < vports; vport++) {
    nicSwitch.setChannel(vport, FIRST_CHANNEL + vport);
    nicSwitch.addToGroup(vport, eChannel(GROUP));
  }
}

function eachMac(scenario: SwitchScenario, visit: (vport: number, mac: number) => void): void {
  for (let vport = 0; vport < scenario.vports; vport++) {
    for (let i = 0; i < scenario.macsPerVPort; i++) visit(vport, macOf(vport, i));
  }
}

/** Locally administered; VPort and number in the last four bytes. */
function macOf(vport: number, number: number): number {
  return 0x020000000000 + vport * 2 ** 16 + number;
}

function writeFrame(
  scenario: SwitchScenario,
  frames: FramePool,
  slot: number,
  from: number,
  random: RandomStream,
): void {
  const { vports, macsPerVPort, broadcastPercent, vlan } = scenario;
  const frameBytes = scenario.frameBytes === 'imix' ? IMIX[random.integer(IMIX.length)] : scenario.frameBytes;
  const at = frames.offsetOf(slot);
  const to = (from + 1 + random.integer(vports - 1)) % vports;
  const broadcast = random.integer(100) < broadcastPercent;
  const destination = broadcast ? BROADCAST : macOf(to, random.integer(macsPerVPort));
  const source = macOf(from, random.integer(macsPerVPort));
  const etherType = vlan === 'guest' ? EtherType.VLAN : EtherType.IPV4;
  writeEthernet(frames.u8, at, { destination, source, etherType });
  let type = at + ETHERNET.TYPE;
  if (scenario.etag === true && from % 2 === 1) {
    const tag = broadcast ? { ...GROUP, ingressBase: FIRST_CHANNEL + from } : { base: FIRST_CHANNEL + to };
    type += writeETag(frames.u8, type, tag);
  }
  if (vlan === 'guest') type += writeVlanTag(frames.u8, type, { id: VLAN });
  frames.u8.set([EtherType.IPV4 >> 8, EtherType.IPV4 & 0xff], type);
  frames.lengths[slot] = frameBytes - FCS_BYTES;
}

function swap(array: Int32Array, i: number, j: number): void {
  const kept = array[i];
  array[i] = array[j];
  array[j] = kept;
}

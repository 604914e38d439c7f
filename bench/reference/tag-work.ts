import { FramePool, type RandomStream, RandomStreams } from 'sriovsim/base';
import { NicSwitch } from 'sriovsim/nicswitch';
import {
  ETHERNET,
  EtherType,
  parseMac,
  writeETag,
  writeEthernet,
  writeVlanTag,
  writeVnTag,
} from 'sriovsim/wire';

/** What frames from and to the wire carry. */
export type TagKind = 'untagged' | 'vlan' | 'etag' | 'vntag';

/** How frames of one kind of tag are switched between the wire and VPorts. */
export interface TagScenario {
  readonly tags: TagKind;
  /** From the wire to the VPorts (true), or from these to the wire. */
  readonly down: boolean;
  readonly vports: number;
}

const FRAMES = 2048;
const SLOT_BYTES = 2048;
const VLAN = 100;
const FIRST_MAC = parseMac('02:00:00:00:01:00');
const STRANGER = parseMac('02:ff:00:00:00:01');

/** A switch, or a port extender, and frames to go through it again and again. */
export class TagWork {
  readonly frames = new FramePool({ slots: FRAMES, slotBytes: SLOT_BYTES });
  readonly nicSwitch: NicSwitch;
  private readonly scenario: TagScenario;
  /** Slots in no order, as a pool in use hands them out. */
  private readonly order: Int32Array;
  private readonly drained = new Int32Array(FRAMES);

  constructor(scenario: TagScenario) {
    const random = new RandomStreams(1).stream('tags');
    this.scenario = scenario;
    this.nicSwitch = configured(scenario, this.frames);
    this.order = Int32Array.from({ length: FRAMES }, () => this.frames.take());
    for (let i = FRAMES - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [this.order[i], this.order[j]] = [this.order[j], this.order[i]];
    }
    const burst = FRAMES / scenario.vports;
    for (const [i, slot] of this.order.entries()) this.write(slot, Math.floor(i / burst), random);
  }

  /** Offers every frame once, switches, drains, `count` times; returns the frames that came out. */
  rounds(count: number): number {
    let given = 0;
    for (let round = 0; round < count; round++) given += this.round();
    return given;
  }

  private round(): number {
    const { nicSwitch, order, frames, drained } = this;
    const { input, output, vports, uplink } = nicSwitch;
    frames.references.fill(1);
    const burst = FRAMES / vports;
    if (this.scenario.down) input.pushBurst(uplink, order, 0, FRAMES);
    else for (let v = 0; v < vports; v++) input.pushBurst(v, order, v * burst, burst);
    nicSwitch.forward();
    let given = 0;
    for (let port = 0; port <= uplink; port++) given += output.shiftBurst(port, drained);
    return given;
  }

  /** A frame of 64 bytes without its tags, of VPort `vport` or to one. */
  private write(slot: number, vport: number, random: RandomStream): void {
    const { tags, down, vports } = this.scenario;
    const { u8, lengths } = this.frames;
    const base = this.frames.offsetOf(slot);
    const to = random.integer(vports);
    const [destination, source] = down
      ? [FIRST_MAC + to, STRANGER]
      : [STRANGER + random.integer(1 << 20), FIRST_MAC + vport];
    writeEthernet(u8, base, { destination, source, etherType: EtherType.IPV4 });
    let at = base + ETHERNET.TYPE;
    if (down && tags === 'etag') at += writeETag(u8, at, { base: to + 1 });
    if (down && tags === 'vntag')
      at += writeVnTag(u8, at, { toCard: true, destinationVif: to, sourceVif: 0 });
    if (tags === 'vlan') at += writeVlanTag(u8, at, { id: VLAN });
    u8.set([EtherType.IPV4 >> 8, EtherType.IPV4 & 0xff], at);
    lengths[slot] = 60 + at - base - ETHERNET.TYPE;
  }
}

function configured({ tags, vports }: TagScenario, frames: FramePool): NicSwitch {
  const nicSwitch = new NicSwitch({ frames, vports, queueEntries: FRAMES });
  nicSwitch.setVlanFilter(true);
  if (tags === 'etag' || tags === 'vntag') nicSwitch.setPortExtender(tags);
  for (let v = 0; v < vports; v++) {
    nicSwitch.setVPortEnabled(v, true, true);
    nicSwitch.addMac(v, FIRST_MAC + v);
    nicSwitch.addVlan(v, VLAN);
    nicSwitch.setAntiSpoof(v, { mac: true, vlan: true });
    if (tags === 'etag') nicSwitch.setChannel(v, v + 1);
    if (tags === 'vntag') nicSwitch.setChannel(v, v);
  }
  return nicSwitch;
}

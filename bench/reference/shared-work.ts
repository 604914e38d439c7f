import { attachSwitchPort, type NicSwitch, SharedSwitch, type SwitchPort } from 'sriovsim/nicswitch';
import { FCS_BYTES } from 'sriovsim/wire';
import {
  bytesOf,
  configure,
  countersChecksum,
  FRAMES,
  headWords,
  type SwitchScenario,
  SwitchWork,
} from './switch-scenario.ts';

/** Words of a frame that a sender writes: addresses, tag and type. */
const HEADER_WORDS = 5;
const RECEIVE_ENTRIES = 256;

/**
 * The frames of a scenario over the rings of a {@link SharedSwitch}, all in one thread: what the rings cost a
 * frame by themselves, sender and receiver included, which otherwise have threads of their own.
 */
export class SharedWork {
  /** Over all entries that were received, in the order of ports, and what was read of their frames; a signed word. */
  checksum = 0;
  private readonly scenario: SwitchScenario;
  private readonly shared: SharedSwitch;
  private readonly ports: SwitchPort[];
  private readonly words: Int32Array;
  private readonly burst: number;
  /** Headers as each VPort sends them, one after the other. */
  private readonly headers: Int32Array;
  private readonly bytes: number;

  constructor(scenario: SwitchScenario) {
    const { vports } = scenario;
    this.scenario = scenario;
    const plain = new SwitchWork(scenario);
    this.burst = plain.burst;
    this.bytes = (scenario.frameBytes === 'imix' ? 64 : scenario.frameBytes) - FCS_BYTES;
    const { i32, slotShift } = plain.frames;
    this.headers = new Int32Array(FRAMES * HEADER_WORDS);
    for (const [n, slot] of plain.order.entries()) {
      const at = slot << (slotShift - 2);
      this.headers.set(i32.subarray(at, at + HEADER_WORDS), n * HEADER_WORDS);
    }
    this.shared = new SharedSwitch({
      vports,
      sendEntries: this.burst,
      receiveEntries: RECEIVE_ENTRIES,
      macFilters: vports * scenario.macsPerVPort,
    });
    configure(scenario, this.shared.nicSwitch);
    this.ports = Array.from({ length: vports }, (_, v) => attachSwitchPort(this.shared.descriptor, v));
    this.words = new Int32Array(this.ports[0].u8.buffer);
  }

  /** As {@link SwitchWork.rounds}: frames written and sent, switched, received and released. */
  rounds(count: number): number {
    let taken = 0;
    this.checksum = 0;
    for (let round = 0; round < count; round++) {
      for (const [v, port] of this.ports.entries()) this.send(port, v * this.burst);
      taken += this.shared.forward();
      for (const port of this.ports) this.drain(port);
    }
    return taken;
  }

  get nicSwitch(): NicSwitch {
    return this.shared.nicSwitch;
  }

  /** Frames out and lost at each port, in one number. */
  portsChecksum(): number {
    return countersChecksum(this.nicSwitch);
  }

  /** The words behind the headers, which nobody writes. */
  unwritten(): Int32Array {
    const { i32, slots, slotShift } = this.nicSwitch.frames;
    return i32
      .slice(0, slots << (slotShift - 2))
      .map((word, i) => (i % (1 << (slotShift - 2)) < HEADER_WORDS ? 0 : word));
  }

  /** The scenario as the program in C reads it: 32-bit words, then the headers. */
  file(): Uint8Array[] {
    const { scenario, headers, burst, bytes } = this;
    const words = headWords(scenario, this.nicSwitch, {
      queueEntries: this.nicSwitch.output.capacity,
      sendEntries: burst,
      receiveEntries: RECEIVE_ENTRIES,
      sentBytes: bytes,
    });
    return [words, headers].map(bytesOf);
  }

  private send(port: SwitchPort, first: number): void {
    const { words, headers, burst, bytes } = this;
    for (let n = first; n < first + burst; n++) {
      const at = port.reserve() >> 2;
      for (let i = 0; i < HEADER_WORDS; i++) words[at + i] = headers[n * HEADER_WORDS + i];
      port.commit(bytes, -1, true);
    }
    port.flush();
  }

  private drain(port: SwitchPort): void {
    const { words } = this;
    let sum = this.checksum;
    let count = 0;
    for (let entry = port.receive(); entry >= 0; entry = port.receive()) {
      sum = (Math.imul(sum, 31) + entry + words[port.offsetOf(entry) >> 2]) | 0;
      count++;
    }
    port.release(count);
    this.checksum = sum;
  }
}

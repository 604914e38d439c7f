import { beforeEach, describe, expect, it } from 'vitest';
import {
  ApiVersion,
  CLEAR_TO_SEND,
  FAILURE,
  INFORMATION_SHIFT,
  MailboxOperation,
  multicastHash,
  SUCCESS,
  XcastMode,
} from '../../src/drivers/mailbox-protocol.ts';
import { PfMailboxService } from '../../src/drivers/pf-mailbox-service.ts';
import type { VfSettings } from '../../src/drivers/vf-settings.ts';
import { formatMac, parseMac } from '../../src/wire/index.ts';
import { FakeDevice } from './fake-device.ts';

const PFMBICR = 0x710;
const PFVFLRE = 0x600;
const PFMAILBOX = 0x4b00;
const PFMBMEM = 0x13000;
const [STS, ACK] = [1, 2];

const OPEN: VfSettings = {
  mac: parseMac('02:00:00:00:01:0a'),
  vlan: null,
  trustedVlans: [100, 200],
  spoofCheck: true,
  trusted: false,
};
const IN_VLAN: VfSettings = { ...OPEN, vlan: 7, trustedVlans: [] };
const WITHOUT_MAC: VfSettings = { ...OPEN, mac: 0 };
const TRUSTED: VfSettings = { ...OPEN, trusted: true };

let device: FakeDevice;
let service: PfMailboxService;
let done: string[];
let filtersLeft: boolean;

beforeEach(() => {
  device = new FakeDevice();
  done = [];
  filtersLeft = true;
  const settings = [OPEN, IN_VLAN, WITHOUT_MAC, TRUSTED];
  service = new PfMailboxService(device.bar, {
    settings: (vf) => settings[vf % settings.length],
    setVlan: (vf, vlan, add) => {
      done.push(`VF ${vf} ${add ? 'joins' : 'leaves'} VLAN ${vlan}`);
      return filtersLeft;
    },
    setMulticast: (vf, hashes) => done.push(`VF ${vf} takes ${hashes.join(', ')}`),
    setMac: (vf, mac) => done.push(`VF ${vf} is ${formatMac(mac)}`),
    addMac: (vf, mac) => {
      done.push(`VF ${vf} is ${formatMac(mac)} too`);
      return filtersLeft;
    },
    clearMacs: (vf) => done.push(`VF ${vf} has no further address`),
    setReceiveMode: (vf, mode) => done.push(`VF ${vf} receives as ${mode}`),
    resetVf: () => {},
  });
});

/** The answer to a message, word by word. */
function ask(vf: number, ...message: number[]): number[] {
  const memory = PFMBMEM + 64 * vf;
  for (let i = 0; i < 16; i++) device.registers.set(memory + 4 * i, 0);
  for (const [i, word] of message.entries()) device.registers.set(memory + 4 * i, word >>> 0);
  device.registers.set(PFMBICR + 4 * (vf >> 4), 1 << (vf & 15));
  service.serve(48);
  device.registers.set(PFMBICR + 4 * (vf >> 4), 0);
  return Array.from({ length: 16 }, (_, i) => device.read(memory + 4 * i));
}

const reset = (vf: number) => ask(vf, MailboxOperation.RESET);
const accepted = (operation: number) => (operation | SUCCESS | CLEAR_TO_SEND) >>> 0;
const refused = (operation: number) => (operation | FAILURE | CLEAR_TO_SEND) >>> 0;
const adding = MailboxOperation.SET_VLAN | (1 << INFORMATION_SHIFT);

describe('a VF that resets itself', () => {
  it('is told its address', () => {
    const [word, low, high, filter] = reset(0);
    // Without clear to send: as ixgbevf expects it.
    expect(word).toBe((MailboxOperation.RESET | SUCCESS) >>> 0);
    expect([low, high, filter]).toEqual([0x0000_0002, 0x0a01, 0]);
  });

  it('is refused where it has none', () => {
    expect(reset(2)[0]).toBe((MailboxOperation.RESET | FAILURE) >>> 0);
  });

  it('gets first an acknowledge, then the answer', () => {
    reset(35);
    expect(device.writtenTo(PFMAILBOX + 4 * 35)).toEqual([ACK, STS]);
  });
});

describe('before its reset, a VF', () => {
  it.each([
    MailboxOperation.SET_MAC,
    MailboxOperation.SET_MULTICAST,
    MailboxOperation.SET_VLAN,
    MailboxOperation.NEGOTIATE_API,
    MailboxOperation.GET_QUEUES,
  ])('is refused message %d, without clear to send', (operation) => {
    expect(ask(0, operation, 0)[0]).toBe((operation | FAILURE) >>> 0);
    expect(done).toEqual([]);
  });

  it("is another VF's business: each has to reset itself, and again after the card has said that it was reset", () => {
    reset(0);
    expect(ask(1, MailboxOperation.GET_QUEUES)[0] & CLEAR_TO_SEND).toBe(0);
    expect(ask(0, MailboxOperation.SET_VLAN)[0]).toBe(accepted(MailboxOperation.SET_VLAN));
    device.registers.set(PFVFLRE, 1);
    expect(ask(0, MailboxOperation.GET_QUEUES)[0] & CLEAR_TO_SEND).toBe(0);
  });
});

describe('after its reset, a VF', () => {
  beforeEach(() => {
    reset(0);
    reset(1);
  });

  it.each([
    [ApiVersion.V1_0, true],
    [ApiVersion.V1_1, true],
    [ApiVersion.V1_2, true],
    [ApiVersion.V1_3, true],
    [ApiVersion.V2_0, false],
    [5, false],
  ])('negotiates API version %d: %s', (version, accepts) => {
    const verdict = accepts ? accepted : refused;
    expect(ask(0, MailboxOperation.NEGOTIATE_API, version)[0]).toBe(verdict(MailboxOperation.NEGOTIATE_API));
  });

  it('is told of two queues, and whether it is in a port VLAN', () => {
    const { GET_QUEUES } = MailboxOperation;
    expect(ask(0, GET_QUEUES).slice(0, 5)).toEqual([accepted(GET_QUEUES), 2, 2, 0, 0]);
    expect(ask(1, GET_QUEUES).slice(0, 5)).toEqual([accepted(GET_QUEUES), 2, 2, 1, 0]);
  });

  it('joins and leaves the VLANs that it is trusted with', () => {
    expect(ask(0, adding, 100)[0]).toBe(accepted(adding));
    expect(ask(0, MailboxOperation.SET_VLAN, 100)[0]).toBe(accepted(MailboxOperation.SET_VLAN));
    expect(done).toEqual(['VF 0 joins VLAN 100', 'VF 0 leaves VLAN 100']);
  });

  it('is in VLAN 0 without a port VLAN: it need not ask, and cannot leave', () => {
    expect(ask(0, adding, 0)[0]).toBe(accepted(adding));
    expect(ask(0, MailboxOperation.SET_VLAN, 0)[0]).toBe(accepted(MailboxOperation.SET_VLAN));
    expect(ask(1, adding, 0)[0]).toBe(refused(adding));
    expect(done).toEqual([]);
  });

  it('is refused other VLANs, all of them under a port VLAN, and one for which no filter is left', () => {
    expect(ask(0, adding, 300)[0]).toBe(refused(adding));
    expect(ask(1, adding, 7)[0]).toBe(refused(adding));
    expect(done).toEqual([]);
    filtersLeft = false;
    expect(ask(0, adding, 200)[0]).toBe(refused(adding));
  });

  it('names its groups by their hashes, two a word', () => {
    const groups = ['01:00:5e:00:00:01', '01:00:5e:7f:ff:fa', '33:33:00:00:00:fb'].map((mac) =>
      multicastHash(parseMac(mac)),
    );
    const words = [groups[0] | (groups[1] << 16), groups[2]];
    const operation = MailboxOperation.SET_MULTICAST | (3 << INFORMATION_SHIFT);
    expect(ask(0, operation, ...words)[0]).toBe(accepted(operation));
    expect(done).toEqual([`VF 0 takes ${groups.join(', ')}`]);
    // The upper twelve bits of the last two bytes.
    expect(groups).toEqual([0x010, 0xfaf, 0xfb0]);
  });

  it('is refused what the PF does not know, and its own choice of address', () => {
    expect(ask(0, 0x77)[0]).toBe(refused(0x77));
    expect(ask(0, MailboxOperation.SET_MAC, 1, 2)[0]).toBe(refused(MailboxOperation.SET_MAC));
  });
});

describe('a message that is an answer itself', () => {
  it('is acknowledged, and not answered', () => {
    reset(0);
    device.writes.length = 0;
    ask(0, accepted(MailboxOperation.GET_QUEUES));
    expect(device.writtenTo(PFMAILBOX)).toEqual([ACK]);
  });
});

describe('several VFs', () => {
  it('are all served that have asked, of however many there are', () => {
    for (const vf of [0, 15, 16, 47]) {
      device.registers.set(PFMBMEM + 64 * vf, MailboxOperation.RESET);
      const causes = PFMBICR + 4 * (vf >> 4);
      device.registers.set(causes, device.read(causes) | (1 << (vf & 15)));
    }
    service.serve(48);
    for (const vf of [0, 15, 16, 47]) expect(device.read(PFMAILBOX + 4 * vf)).toBe(STS);
    expect(device.writtenTo(PFMBICR)).toEqual([(1 << 15) | 1]);
  });

  it('beyond those that are enabled are not listened to', () => {
    device.registers.set(PFMBICR, 1 << 3);
    service.serve(3);
    expect(device.read(PFMAILBOX + 4 * 3)).toBe(0);
  });
});

describe('trust', () => {
  const OTHER = [0x0000_0002, 0x0b01];
  const NAME = '02:00:00:00:01:0b';
  const GROUP = [0x005e_0001, 0x0100];
  const further = (index: number) => MailboxOperation.SET_MACVLAN | (index << INFORMATION_SHIFT);

  beforeEach(() => {
    for (const vf of [0, 2, 3]) reset(vf);
  });

  it('lets a VF take another address; without it, only the one that the PF has set', () => {
    const { SET_MAC } = MailboxOperation;
    expect(ask(0, SET_MAC, ...OTHER)[0]).toBe(refused(SET_MAC));
    expect(ask(0, SET_MAC, 0x0000_0002, 0x0a01)[0]).toBe(accepted(SET_MAC));
    expect(ask(3, SET_MAC, ...OTHER)[0]).toBe(accepted(SET_MAC));
    // Where the PF has set none, there is nothing to guard.
    expect(ask(2, SET_MAC, ...OTHER)[0]).toBe(accepted(SET_MAC));
    expect(ask(3, SET_MAC, 0, 0)[0]).toBe(refused(SET_MAC));
    expect(done).toEqual(['VF 0 is 02:00:00:00:01:0a', `VF 3 is ${NAME}`, `VF 2 is ${NAME}`]);
    expect(service.refusals(0)).toMatchObject({ notTrusted: 1, invalidMac: 0 });
    expect(service.refusals(3)).toMatchObject({ notTrusted: 0, invalidMac: 1 });
  });

  it('lets a VF have further addresses, as long as there are filters', () => {
    const { SET_MACVLAN } = MailboxOperation;
    expect(ask(0, further(1), ...OTHER)[0]).toBe(refused(further(1)));
    expect(ask(3, further(1), ...OTHER)[0]).toBe(accepted(further(1)));
    expect(ask(3, further(0))[0]).toBe(accepted(SET_MACVLAN));
    filtersLeft = false;
    expect(ask(3, further(2), ...OTHER)[0]).toBe(refused(further(2)));
    expect(done).toEqual([
      'VF 3 has no further address',
      `VF 3 is ${NAME} too`,
      'VF 3 has no further address',
      `VF 3 is ${NAME} too`,
    ]);
    expect(service.refusals(3).cardFilters).toBe(1);
  });

  it.each([
    { mode: XcastMode.NONE, untrusted: XcastMode.NONE, trusted: XcastMode.NONE },
    { mode: XcastMode.MULTI, untrusted: XcastMode.MULTI, trusted: XcastMode.MULTI },
    { mode: XcastMode.ALLMULTI, untrusted: XcastMode.MULTI, trusted: XcastMode.ALLMULTI },
    { mode: XcastMode.PROMISC, untrusted: XcastMode.MULTI, trusted: null },
    { mode: 4, untrusted: null, trusted: null },
  ])('lets a VF receive more: mode $mode', ({ mode, untrusted, trusted }) => {
    const { UPDATE_XCAST_MODE } = MailboxOperation;
    const granted = (vf: number) => {
      const [word, value] = ask(vf, UPDATE_XCAST_MODE, mode);
      return word === accepted(UPDATE_XCAST_MODE) ? value : null;
    };
    expect(granted(0)).toBe(untrusted);
    expect(granted(3)).toBe(trusted);
    expect(service.refusals(0).notTrusted).toBe(mode === 2 || mode === 3 ? 1 : 0);
  });

  it('a group is no address', () => {
    expect(ask(3, MailboxOperation.SET_MAC, GROUP[0] | 1, GROUP[1])[0]).toBe(
      refused(MailboxOperation.SET_MAC),
    );
    expect(service.refusals(3).invalidMac).toBe(1);
  });
});

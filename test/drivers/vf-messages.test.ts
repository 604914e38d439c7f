import { beforeEach, describe, expect, it } from 'vitest';
import { FurtherOperation, FurtherVersion } from '../../src/drivers/further-protocol.ts';
import { VfMessages } from '../../src/drivers/index.ts';
import {
  CLEAR_TO_SEND,
  FAILURE,
  MailboxOperation,
  SUCCESS,
  XcastMode,
} from '../../src/drivers/mailbox-protocol.ts';
import { PfMailboxService } from '../../src/drivers/pf-mailbox-service.ts';
import { createMachine } from '../../src/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { FakeDevice } from './fake-device.ts';

const [PFMBICR, PFMAILBOX, PFMBMEM, PFVFRE] = [0x710, 0x4b00, 0x13000, 0x51e0];
const PFVFTE = 0x8110;
const [RETA, RSSRK, LINKS] = [0xeb00, 0xeb80, 0x42a4];
const STS = 1;
const LINK_UP = 1 << 30;

const { GET_RETA, GET_RSS_KEY, GET_LINK_STATE, SET_LPE, PF_CONTROL } = FurtherOperation;
const { GET_QUEUES, UPDATE_XCAST_MODE, NEGOTIATE_API, RESET } = MailboxOperation;

let device: FakeDevice;
let messages: VfMessages;
let rates: string[];

beforeEach(() => {
  device = new FakeDevice();
  rates = [];
  const settings = { mac: 0x02_0000_0001_0a, vlan: null, trustedVlans: [], spoofCheck: true, trusted: true };
  const nothing = () => {};
  const mailbox = new PfMailboxService(device.bar, {
    settings: () => settings,
    setVlan: () => true,
    setMulticast: nothing,
    setMac: nothing,
    addMac: () => true,
    clearMacs: nothing,
    setReceiveMode: nothing,
    resetVf: nothing,
  });
  messages = new VfMessages({
    bar: device.bar,
    mailbox,
    vfSettings: (vf) => {
      if (vf > 1) throw new RangeError(`EINVAL: there is no VF ${vf}`);
      return settings;
    },
    vfTxRate: (vf) => ({ maxMbps: vf === 1 ? 500 : 0, minMbps: 0, trafficClass: 0 }),
    setVfTxRate: (vf, { maxMbps }) => {
      rates.push(`VF ${vf}: ${maxMbps}`);
      return null;
    },
  });
  ask(0, RESET);
});

/** The answer to a message, word by word. */
function ask(vf: number, ...message: number[]): number[] {
  const memory = PFMBMEM + 64 * vf;
  for (let i = 0; i < 16; i++) device.registers.set(memory + 4 * i, (message[i] ?? 0) >>> 0);
  device.registers.set(PFMBICR, 1 << vf);
  mailboxOf(messages).serve(2);
  device.registers.set(PFMBICR, 0);
  return Array.from({ length: 16 }, (_, i) => device.read(memory + 4 * i));
}

/** The service that it has put itself into. */
function mailboxOf(of: VfMessages): PfMailboxService {
  return (of as unknown as { driver: { mailbox: PfMailboxService } }).driver.mailbox;
}

const accepted = (operation: number) => (operation | SUCCESS | CLEAR_TO_SEND) >>> 0;
const refused = (operation: number) => (operation | FAILURE | CLEAR_TO_SEND) >>> 0;
const negotiate = (api: number) => ask(0, NEGOTIATE_API, api)[0];
const isGranted = (operation: number) => ask(0, operation, XcastMode.MULTI)[0] === accepted(operation);

describe('the API of the mailbox', () => {
  it.each([
    ['1.0', FurtherVersion.V1_0, true],
    ['2.0', FurtherVersion.V2_0, false],
    ['1.1', FurtherVersion.V1_1, true],
    ['1.2', FurtherVersion.V1_2, true],
    ['1.3', FurtherVersion.V1_3, true],
    ['1.4', FurtherVersion.V1_4, true],
    ['1.5', FurtherVersion.V1_5, true],
    ['1.6', 7, false],
  ])('of version %s is known: %s', (_, version, known) => {
    expect(negotiate(version)).toBe((known ? accepted : refused)(NEGOTIATE_API));
  });

  it.each([
    [FurtherVersion.V1_0, []],
    [FurtherVersion.V1_1, [GET_QUEUES]],
    [FurtherVersion.V1_2, [GET_QUEUES, GET_RETA, GET_RSS_KEY, UPDATE_XCAST_MODE, GET_LINK_STATE]],
    [FurtherVersion.V1_5, [GET_QUEUES, GET_RETA, GET_RSS_KEY, UPDATE_XCAST_MODE, GET_LINK_STATE]],
  ])('says which messages are allowed: with %d messages %j', (api, allowed) => {
    messages.setRssQuery(0, true);
    if (api !== FurtherVersion.V1_0) negotiate(api);
    const asked = [GET_QUEUES, GET_RETA, GET_RSS_KEY, UPDATE_XCAST_MODE, GET_LINK_STATE];
    expect(asked.filter(isGranted)).toEqual(allowed);
  });

  it('is 1.0 again when a VF has reset itself', () => {
    negotiate(FurtherVersion.V1_2);
    expect(isGranted(GET_QUEUES)).toBe(true);
    ask(0, RESET);
    expect(isGranted(GET_QUEUES)).toBe(false);
  });
});

describe("the PF's RSS", () => {
  it('is told to VFs that may ask: two bits an entry, and the key', () => {
    for (let i = 0; i < 32; i++) device.registers.set(RETA + 4 * i, 0x0302_0100);
    for (let i = 0; i < 10; i++) device.registers.set(RSSRK + 4 * i, 0x0101_0101 * i);
    negotiate(FurtherVersion.V1_2);
    expect(ask(0, GET_RETA)[0]).toBe(refused(GET_RETA));
    expect(ask(0, GET_RSS_KEY)[0]).toBe(refused(GET_RSS_KEY));
    messages.setRssQuery(0, true);
    expect(ask(0, GET_RETA).slice(1, 9)).toEqual(new Array(8).fill(0xe4e4_e4e4));
    expect(ask(0, GET_RSS_KEY).slice(1, 11)).toEqual(Array.from({ length: 10 }, (_, i) => 0x0101_0101 * i));
    messages.setRssQuery(0, false);
    expect(ask(0, GET_RETA)[0]).toBe(refused(GET_RETA));
  });
});

describe('the longest frame of a VF', () => {
  it.each([68, 1514, 1518])('may be that of the PF: %d bytes', (bytes) => {
    expect(ask(0, SET_LPE, bytes)[0]).toBe(accepted(SET_LPE));
    expect(device.read(PFVFRE)).toBe(1);
  });

  it.each([1519, 9728])('of %d bytes is refused, and it receives nothing until it has another', (bytes) => {
    device.registers.set(PFVFRE, 0b11);
    expect(ask(0, SET_LPE, bytes)[0]).toBe(refused(SET_LPE));
    expect(device.read(PFVFRE)).toBe(0b10);
    ask(0, SET_LPE, 1518);
    expect(device.read(PFVFRE)).toBe(0b11);
  });

  it('of 67 bytes is none: nothing changes', () => {
    device.registers.set(PFVFRE, 0b11);
    expect(ask(0, SET_LPE, 67)[0]).toBe(refused(SET_LPE));
    expect(device.read(PFVFRE)).toBe(0b11);
  });
});

describe('the link of a VF', () => {
  const told = () => {
    ask(0, RESET);
    negotiate(FurtherVersion.V1_4);
    return ask(0, GET_LINK_STATE)[1];
  };

  it('is there until the administrator says otherwise', () => {
    expect(told()).toBe(1);
    messages.setLinkState(0, 'disable');
    expect(told()).toBe(0);
    messages.setLinkState(0, 'enable');
    expect(told()).toBe(1);
  });

  it('is whether its pool receives and sends', () => {
    for (const register of [PFVFRE, PFVFTE]) device.registers.set(register, 0b11);
    messages.setLinkState(1, 'disable');
    expect([device.read(PFVFRE), device.read(PFVFTE)]).toEqual([1, 1]);
    messages.setLinkState(1, 'enable');
    expect([device.read(PFVFRE), device.read(PFVFTE)]).toEqual([3, 3]);
  });

  it('does not come back with another longest frame, which is granted', () => {
    messages.setLinkState(0, 'disable');
    ask(0, RESET);
    expect(ask(0, SET_LPE, 1518)[0]).toBe(accepted(SET_LPE));
    expect(device.read(PFVFRE) & 1).toBe(0);
    messages.setLinkState(0, 'enable');
    ask(0, RESET);
    ask(0, SET_LPE, 1518);
    expect(device.read(PFVFRE) & 1).toBe(1);
  });

  it('loses limits of rates that are relative to another speed', () => {
    device.registers.set(LINKS, (LINK_UP | (3 << 28)) >>> 0);
    messages.linkChanged();
    messages.linkChanged();
    expect(rates).toEqual(['VF 1: 0']);
  });

  it('follows that of the port where it is auto', () => {
    messages.setLinkState(0, 'auto');
    expect(told()).toBe(0);
    device.registers.set(LINKS, LINK_UP);
    messages.linkChanged();
    expect(told()).toBe(1);
    expect(device.read(PFVFTE)).toBe(1);
  });

  it('has the VF begin anew when it is set: it is told so without clear to send, and refused until then', () => {
    device.writes.length = 0;
    messages.setLinkState(0, 'enable');
    expect(device.writes.filter(([at]) => at >= PFMAILBOX && at !== PFVFRE && at !== PFVFTE)).toEqual([
      [PFMBMEM, PF_CONTROL],
      [PFMAILBOX, STS],
    ]);
    expect(ask(0, GET_QUEUES)[0]).toBe((GET_QUEUES | FAILURE) >>> 0);
    ask(0, RESET);
    negotiate(FurtherVersion.V1_1);
    expect(isGranted(GET_QUEUES)).toBe(true);
  });

  it('is of a VF that there is', () => {
    expect(() => messages.setLinkState(2, 'auto')).toThrow('EINVAL: there is no VF 2');
    expect(() => messages.setRssQuery(2, true)).toThrow('EINVAL: there is no VF 2');
  });
});

describe('VFs that are made anew', () => {
  it('have a link, and may not ask for the RSS of the PF, whatever was said of those before', () => {
    const { host, simulation } = createMachine({ nic: intel82599Chip(), guests: [{ name: 'a' }] });
    const { pfDriver } = simulation.machine;
    const enabled = () => [PFVFRE, PFVFTE].map((at) => pfDriver.bar.read32(at) & 1);
    const further = new VfMessages(pfDriver);
    host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
    further.setLinkState(0, 'disable');
    further.setRssQuery(0, true);
    further.answer(0, NEGOTIATE_API, FurtherVersion.V1_2);
    expect([...enabled(), further.answer(0, GET_LINK_STATE, 0)]).toEqual([0, 0, [0]]);
    host.sysfs.write('0000:01:00.0/sriov_numvfs', '0');
    host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
    further.answer(0, NEGOTIATE_API, FurtherVersion.V1_2);
    expect([...enabled(), further.answer(0, GET_LINK_STATE, 0)]).toEqual([1, 1, [1]]);
    expect(further.answer(0, GET_RETA, 0)).toBe(false);
  });
});

// What goes wrong is told in one clear sentence, with the next step.

import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../lib/process.mjs'
import { Key, Window } from '../lib/window.mjs'
import { REGISTRY, TOKEN, World } from '../lib/world.mjs'

const MINUTE = 60_000
const LONG = 2 * MINUTE
const BASE = 72
const GOOD = BASE
const WITHOUT_DOCKER = BASE + 1
const NOBODY = BASE + 3
const address = index => `10.77.0.${10 + index}`

test('bad input', { timeout: 12 * MINUTE }, async (t) => {
  const world = await World.setUp(t, BASE)
  await world.install()
  const key = join(world.folder, 'key')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  await world.cli('credential', 'add', 'ssh_key', 'right key', '--field-file', `private_key=${key}`)
  await world.cli('credential', 'add', 'hetzner', 'Refused', '--field-file', `token=${world.secret('refused', TOKEN.replace('CANARY', 'WRONGX'))}`)
  await Promise.all([world.fleet('boot', 'good', GOOD, `${key}.pub`), world.fleet('boot', '--no-docker', 'bare', WITHOUT_DOCKER, `${key}.pub`)])
  t.after(() => Promise.all([world.fleet('destroy', GOOD), world.fleet('destroy', WITHOUT_DOCKER)]))
  await Promise.all([world.fleet('wait', GOOD), world.fleet('wait', WITHOUT_DOCKER)])
  const window = await Window.open(t, world)
  await window.unlock()

  await t.test('no Terraform', async () => {
    await engine(window, '/nowhere/terraform')
    await explained(window, '@terraform', 'terraform_missing')
  })

  await t.test('a Terraform that is too old', async () => {
    const old = join(world.folder, 'terraform-1.4')
    writeFileSync(old, '#!/bin/sh\necho \'{"terraform_version":"1.4.6","platform":"linux_amd64","provider_selections":{},"terraform_outdated":true}\'\n')
    chmodSync(old, 0o755)
    await engine(window, old)
    await explained(window, '@terraform', 'terraform_too_old')
    await engine(window, '')
    await window.gone('@terraform @failure')
  })

  await t.test('a token that the provider refuses', async () => {
    await wizard(window, 'Refused')
    await explained(window, '@wizard-configure', 'credential_refused')
  })

  await t.test('a region where nothing can be ordered', async () => {
    world.editCloud({ regions: ['nbg1'] })
    await wizard(window, 'Hetzner')
    await window.fill('@stack-name', 'nowhere')
    await window.choose('@stack-region', 'fsn1')
    await window.choose('@stack-key', 'web key')
    await window.press('@wizard-next')
    await window.press('@wizard-create')
    await window.see('@plan-approve, @jobs-drawer @failure', { within: LONG })
    if (await window.shows('@plan-approve')) await window.press('@plan-approve')
    await window.see('@stack-status[data-status=failed]', { within: LONG })
    await explained(window, '@jobs-drawer', 'terraform_failed')
    assert.match(await window.text('@jobs-drawer @failure-next'), /region/)
    world.editCloud({ regions: null })
  })

  await t.test('a host that nobody can reach', async () => {
    await register(window, 'far', { host: address(NOBODY) })
    await failed(window, 'connect')
  })

  await t.test('a port where nobody listens', async () => {
    await register(window, 'deaf', { host: address(GOOD), port: 2222 })
    await failed(window, 'connect')
  })

  await t.test('a key that the server does not know', async () => {
    await register(window, 'strange', { host: address(GOOD), key: 'web key' })
    await failed(window, 'authenticate')
  })

  await t.test('a server without Docker', async () => {
    await register(window, 'bare', { host: address(WITHOUT_DOCKER) })
    await failed(window, 'docker')
  })

  await t.test('an image that does not start', async () => {
    await register(window, 'good', { host: address(GOOD) })
    await window.see('@server-health[data-health=up]', { within: LONG })
    await close(window)
    await window.press('@nav-applications')
    await window.press('@new-application')
    await window.fill('@application-name', 'broken')
    await window.fill('@application-port', 8080)
    await window.fill('@application-image', `${REGISTRY}/hello:broken`)
    await window.choose('@application-servers', 'good')
    await window.press('@application-submit')
    await window.see('@deployment-status[data-status=rolled_back], @deployment-status[data-status=failed]', { within: LONG })
    await explained(window, '@deployment', 'container_failed')
  })

  await t.test('a host key that has changed', async () => {
    await world.fleet('rekey', GOOD)
    await window.press('@nav-servers')
    await window.press('@server-link', { text: 'good' })
    await window.press('@server-verify')
    await failed(window, 'host_key')
    await window.press('@compare-host-key')
    const presented = await window.text('@presented-key')
    await window.press('@accept-host-key')
    await window.see('@host-key-dialog', { text: 'Say that you compared it' })
    await window.press('@compared')
    await window.press('@accept-host-key')
    await window.see('@server-health[data-health=up]', { within: LONG })
    assert.equal(await window.text('@pinned-key'), presented)
  })
})

/** Sets which Terraform runs. */
async function engine(window, path) {
  await window.press('@nav-settings')
  await window.press('@settings-engine')
  await window.fill('@setting-terraformPath', path)
  await window.press('@settings-save')
}

/** Goes to the second step of a new stack with one of the credentials. */
async function wizard(window, credential) {
  await window.press('@nav-provisioning')
  await window.press('@new-stack')
  await window.press('@wizard-credential label', { text: credential })
  await window.press('@wizard-next')
}

async function register(window, name, { host, port = 22, key = 'right key' }) {
  await window.press('@nav-servers')
  await window.press('@register-server')
  await window.fill('@server-name', name)
  await window.fill('@server-host', host)
  await window.fill('@server-port', port)
  await window.choose('@server-key', key)
  await window.press('@server-submit')
  await window.gone('@register-form')
  await window.see('[role=dialog]', { text: `root@${host}:${port}` })
}

/** Expects that a check failed, that everything before it passed, and that the window says what to do. */
async function failed(window, check) {
  const row = `@check-${check}[data-passed=false]`
  await window.see(row, { within: LONG })
  const [, what, next] = await window.paragraphs(row)
  if (check !== 'host_key') await close(window)
  assertSentence(what)
  assertSentence(next)
}

async function close(window) {
  await window.keys(Key.ESCAPE)
  await window.gone('[role=dialog]')
}

/** Expects a failure with this code, in a sentence, and the next step in another. */
async function explained(window, place, code) {
  await window.see(`${place} @failure[data-code=${code}]`)
  const [what, next] = await window.paragraphs(`${place} @failure[data-code=${code}]`)
  assertSentence(what)
  assertSentence(next)
}

function assertSentence(text) {
  assert.match(text ?? 'nothing', /^[^a-z].{10,300}[.!?…]$/s, 'a sentence that a person can read')
}

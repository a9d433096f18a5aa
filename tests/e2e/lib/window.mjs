// The real window, driven through tauri-driver and WebKitWebDriver.

import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { Builder, Capabilities, Key } from 'selenium-webdriver'
import { descendants, freePort, programOf, start, stop } from './process.mjs'
import { binary, PASSPHRASE } from './world.mjs'

export { Key }

const SOON_MS = 30_000
const POLL_MS = 100
const START_MS = 60_000
const PICTURES = process.env.FLIGHTDECK_PICTURES ?? join(tmpdir(), 'flightdeck-window-pictures')

/** Errors that a page causes by changing under the driver; the same act succeeds a moment later. */
const PASSING = new Set(['StaleElementReferenceError', 'ElementClickInterceptedError', 'ElementNotInteractableError', 'NoSuchElementError', 'MoveTargetOutOfBoundsError'])

/**
 * The window as somebody at the desk has it.
 *
 * A selector `@name` stands for the element with that `data-testid`. Whatever looks for
 * something waits for it.
 */
export class Window {
  /** What `accessible` found, screen by screen. */
  barriers = []
  #tauriDriver
  #driver

  /** Starts the program on the data of `world`, and ends it after the test. */
  static async open(test, world) {
    const window = new Window()
    window.world = world
    window.name = test.name.replace(/\W+/g, '-')
    test.after(() => window.close())
    await window.start()
    return window
  }

  /** Starts the program; again, if it was killed. */
  async start() {
    const [port, nativePort] = [await freePort(), await freePort()]
    this.#tauriDriver = start('tauri-driver', ['--port', String(port), '--native-port', String(nativePort)], { env: this.world.environment })
    const capabilities = new Capabilities().set('tauri:options', { application: binary('flightdeck-desktop') })
    capabilities.setBrowserName('wry')
    const address = `http://127.0.0.1:${port}`
    const ready = () => fetch(`${address}/status`).then(answer => answer.ok, () => false)
    await until(`tauri-driver: ${this.#tauriDriver.said}`, ready, START_MS)
    this.#driver = await new Builder().disableEnvironmentOverrides().usingServer(address).withCapabilities(capabilities).build()
    await this.#driver.manage().setTimeouts({ script: 60_000 })
  }

  /** The id of the program's process. */
  get pid() {
    const program = binary('flightdeck-desktop')
    const pid = descendants(this.#tauriDriver.pid).find(pid => programOf(pid) === program)
    if (pid === undefined) throw new Error('the program does not run')
    return pid
  }

  /** Every process that the program started. */
  get children() {
    return descendants(this.pid)
  }

  /** Ends the program as a power cut would. */
  async kill() {
    const { pid } = this
    process.kill(pid, 'SIGKILL')
    await until('the program is gone', () => programOf(pid) === null)
    await stop(this.#tauriDriver)
    this.#driver = null
  }

  /** Closes the window as its user does. */
  async close() {
    if (this.#driver) await this.#driver.quit().catch(() => {})
    this.#driver = null
    if (this.#tauriDriver) await stop(this.#tauriDriver)
  }

  /**
   * Waits until an element shows, with `text` in it, and returns it.
   *
   * With `unless`, the appearance of that element is a failure at once.
   */
  async see(selector, { text = null, within = SOON_MS, unless = null } = {}) {
    return await this.#await(`\`${selector}\`${text === null ? '' : ` with "${text}"`}`, within, async () => {
      if (unless && await this.#find(unless, null)) throw new Error(`\`${unless}\` appeared instead of \`${selector}\``)
      return await this.#find(selector, text)
    })
  }

  /** Waits until no such element shows any more. */
  async gone(selector, { text = null, within = SOON_MS } = {}) {
    await this.#await(`the end of \`${selector}\``, within, async () => !await this.#find(selector, text))
  }

  /** Says whether such an element shows right now. */
  async shows(selector, text = null) {
    return await this.#find(selector, text) !== null
  }

  /** Says whether such an element, or something in it, has the focus. */
  async focused(selector, text = null) {
    return await this.execute(`
      const [selector, text] = arguments
      return [...document.querySelectorAll(selector)].some(element => element.contains(document.activeElement) && (text === null || element.innerText.includes(text)))`, css(selector), text)
  }

  /** What an element says. */
  async text(selector, options) {
    return (await this.execute('return arguments[0].innerText', await this.see(selector, options))).trim()
  }

  /** The paragraphs within an element. */
  async paragraphs(selector) {
    return await this.execute('return [...arguments[0].querySelectorAll("p")].map(one => one.innerText.trim())', await this.see(selector))
  }

  /** Goes to a screen by its path. */
  async visit(path) {
    await this.execute('location.hash = arguments[0]', path)
  }

  /** Opens the vault of an installation that is set up. */
  async unlock() {
    await this.fill('@unlock-passphrase', PASSPHRASE, { within: START_MS })
    await this.press('@unlock')
    await this.see('@sidebar')
  }

  /** Clicks on an element. */
  async press(selector, options) {
    await this.#patiently(selector, options, element => element.click())
  }

  /** Replaces what is in a field. */
  async fill(selector, value, options) {
    await this.#patiently(selector, options, async (element) => {
      await element.click()
      await element.sendKeys(Key.chord(Key.CONTROL, 'a'), Key.BACK_SPACE)
      if (value !== '') await element.sendKeys(String(value))
    })
    await this.#await(`"${value}" in \`${selector}\``, SOON_MS, async () => {
      const element = await this.#find(selector, null)
      return element && await element.getAttribute('value') === String(value)
    })
  }

  /** Chooses an entry of a list that opens; one that takes several stays open until it is closed. */
  async choose(selector, text) {
    await this.press(selector)
    await this.press('[role=option]', { text })
    if (await this.shows('[role=listbox][aria-multiselectable=true]')) await this.keys(Key.ESCAPE)
    await this.gone('[role=option]')
  }

  /** Chooses an entry of a menu that opens. */
  async command(selector, text) {
    await this.press(selector)
    await this.press('[role=menuitem]', { text })
  }

  /** Sends keys to whatever has the focus. */
  async keys(...keys) {
    await this.#driver.actions().sendKeys(...keys).perform()
  }

  /** Sends one combination, such as Control and k. */
  async chord(modifier, key) {
    await this.#driver.actions().keyDown(modifier).sendKeys(key).keyUp(modifier).perform()
  }

  /** Runs a script in the page. */
  async execute(script, ...args) {
    return await this.#driver.executeScript(script, ...args)
  }

  /** Calls a command of the core as the page does. */
  async invoke(command, args = {}) {
    const script = `
      const [command, args, done] = arguments
      window.__TAURI_INTERNALS__.invoke(command, args).then(data => done({ data }), error => done({ error }))`
    const { data, error } = await this.#driver.executeAsyncScript(script, command, args)
    if (error !== undefined) throw new Error(`${command}: ${JSON.stringify(error)}`)
    return data
  }

  /** Lights the window `light` or `dark`, as the setting does. */
  async light(theme) {
    const settings = await this.invoke('get_settings')
    if (settings.theme !== theme) await this.invoke('update_settings', { settings: { ...settings, theme } })
    await this.see(`html.${theme}`)
  }

  /** Notes whatever keeps somebody from using what is on the screen, light or dark. */
  async accessible(screen) {
    for (const theme of ['dark', 'light']) {
      await this.light(theme)
      await this.#still()
      const found = await this.#driver.executeAsyncScript(`
        const done = arguments[arguments.length - 1]
        if (!window.axe) { ${axe.source} }
        window.axe.run(document, { resultTypes: ['violations'] }).then(
          ({ violations }) => done(violations.map(one => one.id + ': ' + one.help + '\\n' + one.nodes.map(node => '    ' + node.html.slice(0, 300) + '\\n      ' + node.failureSummary.replaceAll('\\n', ' ')).join('\\n'))),
          error => done([String(error)]))`)
      if (found.length) this.barriers.push(`${screen}, ${theme}:\n${found.join('\n')}`)
    }
  }

  /** Saves what the window looks like, to look at. Nothing depends on it. */
  async picture(name) {
    try {
      mkdirSync(PICTURES, { recursive: true })
      writeFileSync(join(PICTURES, `${this.name}-${name}.png`), await this.#driver.takeScreenshot(), 'base64')
    }
    catch {
      // A picture is not worth a journey.
    }
  }

  /** Everything that is in the page: markup, what fields hold, what is kept for the next start. */
  async everything() {
    return await this.execute(`
      return [document.documentElement.outerHTML, ...[...document.querySelectorAll('input, textarea')].map(field => field.value), JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join('\\n')`)
  }

  /** Waits until nothing moves that will come to rest. */
  async #still() {
    await this.#await('rest', SOON_MS, () => this.execute(`
      return document.getAnimations().every(one => one.playState !== 'running' || one.effect.getComputedTiming().endTime === Infinity || one.effect.target?.closest('[data-slot=progress]') !== null)`))
  }

  async #find(selector, text) {
    return await this.execute(`
      const [selector, text] = arguments
      return [...document.querySelectorAll(selector)].find(element => element.checkVisibility() && (text === null || element.innerText.includes(text))) ?? null`, css(selector), text)
  }

  async #patiently(selector, options, act) {
    const { text = null, within = SOON_MS } = options ?? {}
    await this.#await(`\`${selector}\`${text === null ? '' : ` with "${text}"`} to take it`, within, async () => {
      const element = await this.#find(selector, text)
      if (!element) return false
      await this.execute('arguments[0].scrollIntoView({ block: "nearest" })', element)
      await act(element)
      return true
    })
  }

  async #await(what, within, look) {
    try {
      return await until(what, look, within)
    }
    catch (error) {
      await this.picture('failed')
      const said = await this.execute('return document.body.innerText').catch(() => 'nothing')
      throw new Error(`${error.message}; the window says:\n${said.replace(/\s*\n\s*/g, '\n').slice(0, 3_000)}`, { cause: error.cause ?? error })
    }
  }
}

/** Waits until `look` returns something, and returns that. */
export async function until(what, look, within = SOON_MS) {
  const deadline = Date.now() + within
  let last
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found) return found
    }
    catch (error) {
      if (!PASSING.has(error.name)) throw error
      last = error
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  throw new Error(`waited ${within / 1000} s for ${what}`, { cause: last })
}

function css(selector) {
  return selector.replace(/@([a-z][\w-]*)/gi, '[data-testid="$1"]')
}

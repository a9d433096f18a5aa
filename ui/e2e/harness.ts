import { createReadStream, existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const DIST = join(import.meta.dirname, '..', 'dist-fake')
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2', '.svg': 'image/svg+xml', '.json': 'application/json' }
/** The product's own policy, so that what it forbids fails here too. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none'; frame-src 'none'; base-uri 'none'"
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** A chromium with the built window on the fake host. */
export interface Stage {
  open: (query: string, options?: BrowserContextOptions) => Promise<Page>
  complaints: string[]
  close: () => Promise<void>
}

/** Serves the built window on a free port and starts the browser. */
export async function raise(): Promise<Stage> {
  const server = await serve()
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const browser: Browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
  const complaints: string[] = []

  return { open, complaints, close }

  async function open(query: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options })
    const page = await context.newPage()
    page.on('console', message => ['error', 'warning'].includes(message.type()) && complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', error => complaints.push(`thrown: ${error.message}`))
    page.on('request', request => !request.url().startsWith(`http://127.0.0.1:`) && !/^(data|blob):/.test(request.url()) && complaints.push(`left the machine: ${request.url()}`))
    await page.goto(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/index.html${query}`)
    return page
  }

  async function close() {
    await browser.close()
    await new Promise(resolve => server.close(resolve))
  }
}

function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = join(DIST, path === '/' ? 'index.html' : path)
    if (!file.startsWith(DIST) || !existsSync(file)) {
      response.writeHead(path === '/favicon.ico' ? 204 : 404).end()
      return
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY })
    createReadStream(file).pipe(response)
  })
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server)))
}

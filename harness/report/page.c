/* SPDX-License-Identifier: Apache-2.0
 *
 * See page.h. */
#include "harness/report/page.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/* The longest text of one call is a path, quoted. */
enum { TEXT_MAX = 20000 };

static char shown(char c)
{
	return c < 0x20 || c > 0x7e ? '?' : c;
}

void assay_page_html(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(shown(*text), out);
		}
	}
}

/* A backslash takes the meaning from a character, but not from what becomes a link or a mention by itself. */
void assay_page_markdown(FILE *out, const char *text)
{
	for (const char *start = text; *text; text++) {
		const bool link = (*text == ':' && text[1] == '/') ||
		                  (*text == '.' && text > start && (text[-1] == 'w' || text[-1] == 'W'));
		if (*text == '@')
			fputs("`@`", out);
		else if (strchr("&<>", *text) || link)
			fprintf(out, "&#%d;", *text);
		else if (strchr("\\`*_[]|~$", *text) || (*text == '#' && !isdigit((unsigned char)text[1])))
			fprintf(out, "\\%c", *text);
		else
			fputc(shown(*text), out);
	}
}

/* Formats a text and puts it into both. */
static void both(struct assay_page *page, const char *format, va_list list)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof text, format, list);
	assay_page_html(page->html, text);
	assay_page_markdown(page->markdown, text);
}

#define BOTH(page, format)                 \
	do {                               \
		va_list list_;             \
		va_start(list_, format);   \
		both(page, format, list_); \
		va_end(list_);             \
	} while (0)

/* No script can run, and nothing can be loaded, whatever the text is. */
void assay_page_begin(struct assay_page *page, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
	      "img-src data:\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      page->html);
	assay_page_html(page->html, title);
	fprintf(page->html, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>", assay_page_style);
	assay_page_html(page->html, title);
	fputs("</h1>\n", page->html);
	fputs("# ", page->markdown);
	assay_page_markdown(page->markdown, title);
	fputs("\n\n", page->markdown);
}

void assay_page_end(struct assay_page *page)
{
	fputs("</main>\n</body>\n</html>\n", page->html);
}

void assay_page_heading(struct assay_page *page, int level, const char *format, ...)
{
	fprintf(page->html, "<h%d>", level);
	fprintf(page->markdown, "%.*s ", level, "######");
	BOTH(page, format);
	fprintf(page->html, "</h%d>\n", level);
	fputs("\n\n", page->markdown);
}

void assay_page_text(struct assay_page *page, const char *format, ...)
{
	fputs("<p>", page->html);
	BOTH(page, format);
	fputs("</p>\n", page->html);
	fputs("\n\n", page->markdown);
}

void assay_page_note(struct assay_page *page, const char *format, ...)
{
	fputs("<p class=\"note\">", page->html);
	BOTH(page, format);
	fputs("</p>\n", page->html);
	fputs("\n\n", page->markdown);
}

/* A word that something is said of next, between what opens and closes it in either. */
static void word_put(struct assay_page *page, const char *word, const char *const html[2],
                     const char *const markdown[2])
{
	fputs(html[0], page->html);
	assay_page_html(page->html, word);
	fputs(html[1], page->html);
	fputs(markdown[0], page->markdown);
	assay_page_markdown(page->markdown, word);
	fputs(markdown[1], page->markdown);
}

void assay_page_verdict(struct assay_page *page, int good, const char *word, const char *format, ...)
{
	static const char *const html[] = {"<strong>", "</strong> "}, *const markdown[] = {"**", "** "};

	fprintf(page->html, "<p class=\"verdict %s\">", good > 0 ? "good" : good ? "open" : "bad");
	word_put(page, word, html, markdown);
	BOTH(page, format);
	fputs("</p>\n", page->html);
	fputs("\n\n", page->markdown);
}

void assay_page_list_begin(struct assay_page *page)
{
	fputs("<dl>\n", page->html);
}

void assay_page_item(struct assay_page *page, const char *term, const char *format, ...)
{
	static const char *const html[] = {"<dt>", "</dt><dd>"}, *const markdown[] = {"- **", "**: "};

	word_put(page, term, html, markdown);
	BOTH(page, format);
	fputs("</dd>\n", page->html);
	fputs("\n", page->markdown);
}

void assay_page_list_end(struct assay_page *page)
{
	fputs("</dl>\n", page->html);
	fputs("\n", page->markdown);
}

void assay_page_table_begin(struct assay_page *page, const char *caption, const char *const *columns, uint32_t numbers)
{
	page->numbers = numbers;
	page->cell = 0;
	fputs("<div class=\"table\">\n<table>\n<caption><span>", page->html);
	assay_page_html(page->html, caption);
	fputs("</span></caption>\n<thead><tr>", page->html);
	assay_page_markdown(page->markdown, caption);
	fputs("\n\n|", page->markdown);
	for (page->columns = 0; columns[page->columns]; page->columns++) {
		fputs(numbers >> page->columns & 1 ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">",
		      page->html);
		assay_page_html(page->html, columns[page->columns]);
		fputs("</th>", page->html);
		fputs(" ", page->markdown);
		assay_page_markdown(page->markdown, columns[page->columns]);
		fputs(" |", page->markdown);
	}
	fputs("</tr></thead>\n<tbody>\n", page->html);
	fputs("\n|", page->markdown);
	for (size_t i = 0; i < page->columns; i++)
		fputs(numbers >> i & 1 ? "---:|" : "---|", page->markdown);
	fputs("\n", page->markdown);
}

void assay_page_cell(struct assay_page *page, const char *format, ...)
{
	const size_t at = page->cell++ % page->columns;
	const char *kind = at == 0 ? "th" : "td";

	fprintf(page->html, "%s<%s%s%s>", at == 0 ? "<tr>" : "", kind, at == 0 ? " scope=\"row\"" : "",
	        page->numbers >> at & 1 ? " class=\"n\"" : "");
	fputs(at == 0 ? "| " : " ", page->markdown);
	BOTH(page, format);
	fprintf(page->html, "</%s>%s", kind, at + 1 == page->columns ? "</tr>\n" : "");
	fputs(at + 1 == page->columns ? " |\n" : " |", page->markdown);
}

void assay_page_table_end(struct assay_page *page)
{
	fputs("</tbody>\n</table>\n</div>\n", page->html);
	fputs("\n", page->markdown);
}

void assay_page_code(struct assay_page *page, const char *text)
{
	size_t run = 0, longest = 2;

	fputs("<pre><code>", page->html);
	for (const char *at = text; *at; at++) {
		run = *at == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	/* A fence longer than anything in the text cannot be ended by it. */
	for (size_t i = 0; i <= longest; i++)
		fputc('`', page->markdown);
	fputs("sh\n", page->markdown);
	for (const char *at = text; *at; at++) {
		const char one[2] = {*at, '\0'};
		if (*at == '\n')
			fputc('\n', page->html);
		else
			assay_page_html(page->html, one);
		fputc(*at == '\n' ? '\n' : shown(*at), page->markdown);
	}
	for (size_t i = 0; i <= longest; i++)
		fputc('`', page->markdown);
	fputs("\n\n", page->markdown);
	fputs("</code></pre>\n", page->html);
}

void assay_page_pictures_begin(struct assay_page *page, const char *png, const char *alternative)
{
	fputs("<figure>\n<div class=\"pictures\">\n", page->html);
	fputs("![", page->markdown);
	assay_page_markdown(page->markdown, alternative);
	fprintf(page->markdown, "](%s)\n\n", png);
}

void assay_page_picture(struct assay_page *page, const char *svg, size_t len, const char *format, ...)
{
	const size_t capacity = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(capacity), alternative[TEXT_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(alternative, sizeof alternative, format, list);
	va_end(list);
	/* As an image of its own no text in it can be anything but text, and browsers for text show `alt` alone. */
	fputs("<img alt=\"", page->html);
	assay_page_html(page->html, alternative);
	fputs("\" src=\"data:image/svg+xml;base64,", page->html);
	if (text)
		fputs(
		    sodium_bin2base64(text, capacity, (const unsigned char *)svg, len, sodium_base64_VARIANT_ORIGINAL),
		    page->html);
	fputs("\">\n", page->html);
	free(text);
}

void assay_page_pictures_end(struct assay_page *page, const char *caption)
{
	fputs("</div>\n<figcaption>", page->html);
	assay_page_html(page->html, caption);
	fputs("</figcaption>\n</figure>\n", page->html);
	assay_page_markdown(page->markdown, caption);
	fputs("\n\n", page->markdown);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See plot.h. */
#include "harness/report/plot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, PICTURE_MAX = 1 << 26 };

const char *const assay_plot_colours[ASSAY_PLOT_COLOURS] = {"#0072b2", "#d55e00", "#009e73",
                                                            "#cc79a7", "#e69f00", "#56b4e9"};

/* What every plot has: two axes, a faint grid, and no more. */
static const char settings[] = "set border 3 lw 1 lc rgb '" ASSAY_PLOT_INK "'\n"
                               "set tics nomirror scale 0.5 textcolor rgb '" ASSAY_PLOT_INK "'\n"
                               "set grid ytics lt 1 lw 1 lc rgb '" ASSAY_PLOT_GRID "'\n"
                               "set key noenhanced textcolor rgb '" ASSAY_PLOT_INK "' samplen 1.5\n";

FILE *assay_panel_open(struct assay_panel *panel, int height)
{
	*panel = (struct assay_panel){.height = height};
	return open_memstream(&panel->script, &panel->len);
}

bool assay_panel_close(struct assay_panel *panel, FILE *script)
{
	if (script && fclose(script) == 0)
		return true;
	free(panel->script);
	panel->script = NULL;
	return false;
}

void assay_plot_label(char label[ASSAY_PLOT_LABEL_MAX], const char *text)
{
	size_t at = 0;

	for (; text[at] && at + 1 < ASSAY_PLOT_LABEL_MAX; at++)
		label[at] = isalnum((unsigned char)text[at]) || strchr(" .,#()/+-", text[at]) ? text[at] : '_';
	label[at] = '\0';
}

/* Waits, but not for ever: a gnuplot that hangs is no reason to. */
static bool wait_for(pid_t child)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	int status;

	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		const pid_t ended = waitpid(child, &status, WNOHANG);
		if (ended == child)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		if (ended < 0 && errno != EINTR)
			return false;
		nanosleep(&moment, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return false;
}

/* gnuplot as it comes (no start-up file), with the numbers and names of the C locale. */
static enum assay_plot_result gnuplot(int in, int out)
{
	static char program[] = "gnuplot", defaults[] = "-d", locale[] = "LC_ALL=C";
	char *const arguments[] = {program, defaults, NULL};
	char path[4096], home[4096];
	char *environment[] = {locale, path, home, NULL};
	posix_spawn_file_actions_t actions;
	pid_t child;

	if (snprintf(path, sizeof path, "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin") >=
	        (int)sizeof path ||
	    snprintf(home, sizeof home, "HOME=%s", getenv("HOME") ? getenv("HOME") : "/") >= (int)sizeof home ||
	    posix_spawn_file_actions_init(&actions) != 0)
		return ASSAY_PLOT_FAILED;
	int error = posix_spawn_file_actions_adddup2(&actions, in, 0);
	error = error ? error : posix_spawn_file_actions_adddup2(&actions, out, 1);
	error = error ? error : posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	error = error ? error : posix_spawnp(&child, program, &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return error == ENOENT || error == EACCES ? ASSAY_PLOT_MISSING : ASSAY_PLOT_FAILED;
	return wait_for(child) ? ASSAY_PLOT_DRAWN : ASSAY_PLOT_FAILED;
}

static enum assay_plot_result picture_read(int file, char **picture, size_t *len)
{
	struct stat info;

	if (fstat(file, &info) != 0 || info.st_size <= 0 || info.st_size > PICTURE_MAX)
		return ASSAY_PLOT_FAILED;
	*len = (size_t)info.st_size;
	*picture = malloc(*len + 1);
	if (!*picture || pread(file, *picture, *len, 0) != (ssize_t)*len) {
		free(*picture);
		*picture = NULL;
		return ASSAY_PLOT_FAILED;
	}
	(*picture)[*len] = '\0';
	return ASSAY_PLOT_DRAWN;
}

static bool put(int file, const char *text, size_t len)
{
	return write(file, text, len) == (ssize_t)len;
}

static enum assay_plot_result draw(const char *terminal, const struct assay_panel *panels, size_t count, char **picture,
                                   size_t *len)
{
	static const char end[] = "unset multiplot\n";
	int in = memfd_create("script", MFD_CLOEXEC), out = memfd_create("picture", MFD_CLOEXEC);
	enum assay_plot_result result = ASSAY_PLOT_FAILED;

	*picture = NULL;
	bool good =
	    in >= 0 && out >= 0 && put(in, terminal, strlen(terminal)) && put(in, settings, sizeof settings - 1);
	for (size_t i = 0; good && i < count; i++)
		good = put(in, panels[i].script, panels[i].len);
	if (good && count > 1)
		good = put(in, end, sizeof end - 1);
	if (good && lseek(in, 0, SEEK_SET) == 0)
		result = gnuplot(in, out);
	if (result == ASSAY_PLOT_DRAWN)
		result = picture_read(out, picture, len);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return result;
}

enum assay_plot_result assay_plot_png(const struct assay_panel *panels, size_t count, char **png, size_t *len)
{
	char terminal[256];
	const size_t columns = count > 1 ? 2 : 1, rows = (count + columns - 1) / columns;
	int height = 0;

	/* Twice as many dots as an SVG has units. */
	for (size_t i = 0; i < count; i++)
		height = panels[i].height > height ? panels[i].height : height;
	snprintf(terminal, sizeof terminal,
	         "set terminal pngcairo size %zu,%zu font 'sans,10' fontscale 2 linewidth 2 pointscale 2 background "
	         "rgb 'white'\n",
	         2 * ASSAY_PLOT_WIDTH * columns, 2 * (size_t)height * rows);
	if (count > 1)
		snprintf(terminal + strlen(terminal), sizeof terminal - strlen(terminal),
		         "set multiplot layout %zu,%zu\n", rows, columns);
	enum assay_plot_result result = draw(terminal, panels, count, png, len);
	if (result == ASSAY_PLOT_DRAWN && (*len < 8 || memcmp(*png, "\x89PNG\r\n\x1a\n", 8) != 0)) {
		free(*png);
		*png = NULL;
		result = ASSAY_PLOT_FAILED;
	}
	return result;
}

/* Colours that a dark screen needs lighter or darker. */
static const struct {
	const char *light, *dark;
} shades[] = {
    {ASSAY_PLOT_INK, "#d1d7e0"}, {ASSAY_PLOT_GRID, "#3d444d"}, {ASSAY_PLOT_BAR, "#2a6f9e"}, {"#0072b2", "#4a9fd8"}};

enum { SHADES = sizeof shades / sizeof *shades };

/* "rgb( 31,  35,  40)" and the like: by a name where it is one of these. */
static const char *colour(FILE *out, const char *text)
{
	unsigned red, green, blue;
	char hex[8];
	int len = 0;

	if (sscanf(text, "rgb(%3u,%3u,%3u)%n", &red, &green, &blue, &len) != 3 || len == 0 || red > 255 ||
	    green > 255 || blue > 255) {
		fputc(*text, out);
		return text + 1;
	}
	snprintf(hex, sizeof hex, "#%02x%02x%02x", red & 255, green & 255, blue & 255);
	int shade = 0;
	while (shade < SHADES && strcmp(hex, shades[shade].light) != 0)
		shade++;
	if (shade < SHADES)
		fprintf(out, "var(--c%d)", shade);
	else
		fputs(hex, out);
	return text + len;
}

static void style(FILE *out)
{
	fputs("<style>svg{", out);
	for (int i = 0; i < SHADES; i++)
		fprintf(out, "--c%d:%s;", i, shades[i].light);
	fputs("}@media(prefers-color-scheme:dark){svg{", out);
	for (int i = 0; i < SHADES; i++)
		fprintf(out, "--c%d:%s;", i, shades[i].dark);
	fputs("}}</style>", out);
}

/* The end of a group without anything in it, which gnuplot leaves many of; or NULL. */
static const char *empty_group(const char *at)
{
	const char *close = strncmp(at, "<g ", 3) == 0 ? strchr(at, '>') : NULL;

	if (!close)
		return NULL;
	close += 1 + strspn(close + 1, " \t\n");
	return strncmp(close, "</g>", 4) == 0 ? close + 4 + strspn(close + 4, " \t\n") : NULL;
}

/* The definitions of marks, where none is used. */
static const char *unused_marks(const char *at)
{
	const char *end = strncmp(at, "<defs>", 6) == 0 ? strstr(at, "</defs>") : NULL;

	return end && !strstr(end, "<use") ? end + 7 : NULL;
}

/* The picture with colours for light and dark, without what nobody sees, and without the name of the program, which
 * differs between machines. Browsers for text do not take long attributes. */
static bool theme(char **svg, size_t *len)
{
	char *themed = NULL, *root = strstr(*svg, "<svg");
	char *open = root ? strchr(root, '>') : NULL, *drawn = open ? strstr(open, "</desc>") : NULL;
	size_t themed_len;
	FILE *out = drawn ? open_memstream(&themed, &themed_len) : NULL;

	if (!out)
		return false;
	fprintf(out, "%.*s", (int)(open + 1 - root), root);
	style(out);
	for (const char *at = drawn + strlen("</desc>"), *next; *at;) {
		if ((next = empty_group(at)) || (next = unused_marks(at)))
			at = next;
		else if (strncmp(at, "rgb(", 4) == 0)
			at = colour(out, at);
		else
			fputc(*at++, out);
	}
	if (fclose(out) != 0) {
		free(themed);
		return false;
	}
	free(*svg);
	*svg = themed;
	*len = themed_len;
	return true;
}

enum assay_plot_result assay_plot_svg(const struct assay_panel *panel, char **svg, size_t *len)
{
	char terminal[128];

	snprintf(terminal, sizeof terminal, "set terminal svg size %d,%d dynamic font 'sans-serif,12'\n",
	         ASSAY_PLOT_WIDTH, panel->height);
	enum assay_plot_result result = draw(terminal, panel, 1, svg, len);
	if (result == ASSAY_PLOT_DRAWN && !theme(svg, len)) {
		free(*svg);
		*svg = NULL;
		result = ASSAY_PLOT_FAILED;
	}
	return result;
}
